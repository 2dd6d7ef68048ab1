"""How long processes wait for a CPU, so that an answer counts without what the machine took of it.

A machine that has much else to do delays every answer by that. Work of the receiver, a lock or a pause is no
such wait. Only Linux tells it: https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat
"""

import asyncio
import contextlib
import multiprocessing
import os
import time
from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.chaos import ledger
from tests.chaos.sender import Answer

EVERY = 0.05  # seconds between two samples
LOOK_EVERY = 20  # samples between two looks at which processes there are
BACKENDS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"


class CpuWaits:
    """Samples of the seconds that the threads of some processes have waited for a CPU."""

    def __init__(self, *processes: int) -> None:
        self._processes = set(processes)
        self._waited: dict[Path, float] = {}
        self._total = 0.0
        self._times: list[float] = []
        self._totals: list[float] = []

    def add(self, *processes: int) -> None:
        """Sample these, too."""
        self._processes.update(processes)

    def sample(self) -> None:
        for process in self._processes:
            for thread in Path(f"/proc/{process}/task").glob("*/schedstat"):
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it ended
                    waited = int(thread.read_text().split()[1]) / 1e9
                    self._total += waited - self._waited.get(thread, waited)
                    self._waited[thread] = waited
        self._times.append(time.monotonic())
        self._totals.append(self._total)

    def without(self, answer: Answer) -> float:
        """Return the seconds of an answer without the waits for a CPU."""
        first = max(0, bisect_right(self._times, answer.asked) - 1)
        last = min(len(self._times) - 1, bisect_left(self._times, answer.answered))
        return answer.seconds - (self._totals[last] - self._totals[first])


@asynccontextmanager
async def sampled(database: str, *processes: int) -> AsyncIterator[CpuWaits]:
    """Sample these processes, this one, its pool and the backends of the database during the context."""
    waits = CpuWaits(os.getpid(), *processes)

    async def go_on() -> None:
        for number in range(10**9):
            if number % LOOK_EVERY == 0:
                waits.add(*(child.pid for child in multiprocessing.active_children() if child.pid))
                if not database.startswith("sqlite:"):
                    rows = await asyncio.to_thread(ledger.execute, database, BACKENDS)
                    waits.add(*(backend for (backend,) in rows))
            waits.sample()
            await asyncio.sleep(EVERY)

    sampling = asyncio.create_task(go_on())
    try:
        yield waits
    finally:
        sampling.cancel()
        await asyncio.gather(sampling, return_exceptions=True)
        waits.sample()
