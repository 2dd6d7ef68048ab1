"""Turns under many workers, retries and kills: each repository's deliveries one at a time, in order."""

import asyncio
import random
import signal
from contextlib import ExitStack
from itertools import count
from pathlib import Path

from tests import processes
from tests.chaos import invariants, journal, ledger, stack, stored
from tests.chaos.counts import Counts
from tests.chaos.journal import Entry
from tests.chaos.redis_server import RedisServer

RETRIED = 0.1  # of all


async def test_deliveries_of_one_repository_are_handled_in_order_whatever_dies_and_fails(
    counts: Counts, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    journal.create(database)
    there = {
        "DATABASE_URL": database,
        "REDIS_URL": redis_server.url,
        "HANDLERS": "tests.chaos.ordered",
        "LEASE": str(counts.turn_lease),
    }
    killed: set[int] = set()
    numbers = count()
    with ExitStack() as running:
        workers = [
            running.enter_context(
                processes.worker(tmp_path / f"{place}.log", stack.SHORT_LEASE_WORKER, **there)
            )
            for place in range(counts.workers)
        ]
        for round_ in range(counts.turn_kills + 1):
            pushes = [
                stored.Push(next(numbers), "later" if random.random() < RETRIED else "", repository)
                for _ in range(counts.turns)
                for repository in range(1, counts.repositories + 1)
            ]
            await asyncio.to_thread(stored.store, database, pushes)
            await stored.wake(redis_server.url, counts.workers)
            if round_ < counts.turn_kills:
                begun = len(journal.entries(database, "began"))
                await asyncio.to_thread(
                    processes.wait_until,
                    lambda: len(journal.entries(database, "began")) > begun + 5,  # noqa: B023 - called in this round
                    "turns are taken",
                )
                victim = workers.pop(0)
                victim.kill()
                killed.add(victim.pid)
                log = tmp_path / f"{counts.workers + round_}.log"
                another = processes.worker(log, stack.SHORT_LEASE_WORKER, **there)
                workers.append(running.enter_context(another))
        assert await invariants.ended(database, within=90) == {"succeeded": next(numbers)}
        for worker in workers:
            assert await asyncio.to_thread(processes.stop, worker, signal.SIGTERM) == 0
    assert ledger.execute(database, "SELECT DISTINCT source, attempts FROM receiver_delivery ORDER BY 1") == [
        ("", 1),
        ("later", 2),
    ]
    lines = journal.entries(database, "began", "ended")
    for repository in range(1, counts.repositories + 1):
        mine = [line for line in lines if line.repository == repository]
        assert in_order(mine)
        assert one_at_a_time(mine, killed)


def in_order(lines: list[Entry]) -> bool:
    """Whether all begin for the first time in the order of their receipt."""
    begun = list(dict.fromkeys(line.number for line in lines if line.what == "began"))
    return begun == sorted(begun)


def one_at_a_time(lines: list[Entry], killed: set[int]) -> bool:
    """Whether none begins before the one before it ended, or was left behind by a worker that was killed."""
    at_work: Entry | None = None
    for line in lines:
        if line.what == "began":
            if at_work is not None and at_work.process not in killed:
                return False
            at_work = line
        elif at_work is not None and (line.number, line.process) == (at_work.number, at_work.process):
            at_work = None
        else:
            return False
    return True
