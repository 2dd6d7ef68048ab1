"""A worker is killed while handlers run, or stopped during a long one."""

import asyncio
import random
import signal
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import processes
from tests.chaos import invariants, journal, ledger, stack, stored
from tests.chaos.counts import Counts
from tests.chaos.redis_server import RedisServer
from tests.chaos.times import TAKEN_OVER_WITHIN


def held(database: str, process: int) -> dict[int, int]:
    """Return the deliveries that a worker holds, with the number of the claim."""
    statement = "SELECT id, claims FROM receiver_delivery WHERE status = 'processing' AND worker LIKE "
    rows = ledger.execute(database, f"{statement}'%:{process}:%'")
    return dict(rows)


def runs(database: str, number: int, ids: list[int]) -> int:
    """Wait until a worker runs the push of this number; return the index of that worker."""
    begun: list[int] = []

    def began() -> bool:
        begun[:] = [entry.process for entry in journal.entries(database, "began") if entry.number == number]
        return bool(begun)

    processes.wait_until(began, "a handler runs")
    return ids.index(begun[-1])


async def taken_over(database: str, leases: dict[int, int], deadline: float) -> None:
    """Wait until no delivery is under these leases. Raises AssertionError after the deadline."""
    statement = "SELECT id, claims FROM receiver_delivery WHERE status = 'processing'"
    while True:
        claims = dict(await asyncio.to_thread(ledger.execute, database, statement))
        late = [pk for pk in leases if claims.get(pk) == leases[pk]]
        if not late:
            return
        assert time.monotonic() < deadline, f"{len(late)} of {len(leases)} are left behind"
        await asyncio.sleep(0.2)


@pytest.mark.full("sqlite")
async def test_workers_killed_again_and_again_in_the_middle_of_handlers_lose_nothing_and_repeat_no_effect(
    counts: Counts, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    journal.create(database)
    let = tmp_path / "let"
    there = {
        "DATABASE_URL": database,
        "REDIS_URL": redis_server.url,
        "HANDLERS": "tests.chaos.scripted_handler",
        "LET": str(let),
    }
    log = tmp_path / "worker.log"
    each = counts.worker_deliveries // counts.worker_kills
    recoveries = []
    with ExitStack() as running:
        # The second worker takes over, and may be killed next.
        workers = [
            running.enter_context(processes.worker(log, stack.SHORT_LEASE_WORKER, **there)) for _ in range(2)
        ]
        for number in range(counts.worker_kills):
            first = number * each
            pushes = [stored.Push(first + place, "works" if place else "waits") for place in range(each)]
            let.unlink(missing_ok=True)
            await asyncio.to_thread(stored.store, database, pushes)
            await stored.wake(redis_server.url, each // 2)
            killed = workers.pop(await asyncio.to_thread(runs, database, first, [one.pid for one in workers]))
            await asyncio.sleep(random.uniform(0, 0.02))
            killed.kill()
            assert killed.wait() == -signal.SIGKILL
            let.touch()
            leases = await asyncio.to_thread(held, database, killed.pid)
            deadline = time.monotonic() + TAKEN_OVER_WITHIN + counts.slack
            recoveries.append(asyncio.create_task(taken_over(database, leases, deadline)))
            if number + 1 < counts.worker_kills:
                workers.append(
                    running.enter_context(processes.worker(log, stack.SHORT_LEASE_WORKER, **there))
                )
        await asyncio.gather(*recoveries)
        assert await invariants.ended(database) == {"succeeded": each * counts.worker_kills}
        for worker in workers:
            assert await asyncio.to_thread(processes.stop, worker, signal.SIGTERM) == 0
    invariants.each_succeeded_once(database, "scripted_handler.follow_script", "push.record")
    begun = [entry.guid for entry in journal.entries(database, "began")]
    assert len(begun) > len(set(begun)) == journal.effects(database) == each * counts.worker_kills


@pytest.mark.once
async def test_a_job_longer_than_the_grace_is_given_back_at_each_stop_and_completes_when_let(
    counts: Counts, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    journal.create(database)
    there = {
        "DATABASE_URL": database,
        "REDIS_URL": redis_server.url,
        "HANDLERS": "tests.chaos.scripted_handler",
        "LET": str(tmp_path / "let"),
        "WORKER_GRACE": "0.5",
    }
    [pk] = stored.store(database, [stored.Push(0, "waits")])
    for number in range(counts.stops):
        with processes.worker(tmp_path / "worker.log", stack.SHORT_LEASE_WORKER, **there) as worker:
            await asyncio.to_thread(
                processes.wait_until,
                lambda: len(journal.entries(database, "began")) > number,  # noqa: B023 - called in this round
                "the handler has begun",
            )
            worker.terminate()
            assert await asyncio.to_thread(worker.wait, processes.STOPS_WITHIN) == 0
        assert ledger.execute(
            database,
            f"SELECT status, attempts, crashes FROM receiver_delivery WHERE id = {pk}",
        ) == [("received", 0, 0)]
    (tmp_path / "let").touch()
    with processes.worker(tmp_path / "worker.log", stack.SHORT_LEASE_WORKER, **there):
        assert await invariants.ended(database) == {"succeeded": 1}
    invariants.each_succeeded_once(database, "scripted_handler.follow_script", "push.record")
    assert len(journal.entries(database, "began")) == counts.stops + 1
