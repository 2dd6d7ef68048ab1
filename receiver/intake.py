"""Group commit: concurrent requests share one transaction, each answered only after the commit.

The first arrival is written at once. Those that come while a commit runs form the next batch, so that a
lone request waits for nobody and a crowd waits for one commit, not for one each.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from weakref import WeakKeyDictionary

from django.db import Error, close_old_connections, connection

from receiver import store
from receiver.arrivals import Arrival
from receiver.queue import wakeups
from receiver.store import Receipt, Stored

MAX_BATCH = 100
# Seconds. GitHub gives up after ten: https://docs.github.com/webhooks/using-webhooks/best-practices
ANSWER_WITHIN = 8.5

Waiting = tuple[Arrival, "asyncio.Future[Stored]"]


class StoreDownError(Exception):
    """The arrival could not be committed, or not in time; the sender must be told to come again."""


class Intake:
    """The waiting arrivals of one event loop, and the one thread that writes them."""

    def __init__(self) -> None:
        self._waiting: deque[Waiting] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="intake")

    async def keep(self, arrival: Arrival) -> Stored:
        """Commit `arrival` and wake a worker; raises `StoreDownError` when that cannot be done in time.

        A caller that is cancelled leaves a whole row or none.
        """
        future: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        self._waiting.append((arrival, future))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                return await future
        except (Error, TimeoutError) as error:
            raise StoreDownError(f"not stored: {type(error).__name__}") from error

    async def close(self) -> None:
        """Commit what is waiting, then give the database connection back."""
        if self._writer is not None:
            await self._writer
        await asyncio.get_running_loop().run_in_executor(self._thread, _disconnect)
        self._thread.shutdown()

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            # One whose sender has gone, or was answered 503, is not written any more.
            taken = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
            batch = [(arrival, future) for arrival, future in taken if not future.done()]
            if not batch:
                continue
            results = await loop.run_in_executor(self._thread, _store, [arrival for arrival, _ in batch])
            for (_, future), result in zip(batch, results, strict=True):
                if isinstance(result, Stored):
                    if result.receipt is not Receipt.DUPLICATE:
                        wakeups().wake(result)
                    if not future.done():
                        future.set_result(result)
                elif not future.done():
                    future.set_exception(result)


def _store(arrivals: Sequence[Arrival]) -> list[Stored | Exception]:
    """Store a batch; a row that the database refuses is found by bisection and fails alone."""
    close_old_connections()
    try:
        return list(store.store(arrivals))
    except Exception as error:  # noqa: BLE001 - whatever one row raises must not reach the others
        if len(arrivals) == 1 or not connection.is_usable():
            return [error] * len(arrivals)
        half = len(arrivals) // 2
        return _store(arrivals[:half]) + _store(arrivals[half:])
    finally:
        close_old_connections()


def _disconnect() -> None:
    connection.close()  # looked up here, for every thread has a connection of its own


_intakes: WeakKeyDictionary[asyncio.AbstractEventLoop, Intake] = WeakKeyDictionary()


def intake() -> Intake:
    """The intake of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _intakes:
        _intakes[loop] = Intake()
    return _intakes[loop]


async def close() -> None:
    """Close the running loop's intake, if it was used."""
    found = _intakes.pop(asyncio.get_running_loop(), None)
    if found is not None:
        await found.close()
