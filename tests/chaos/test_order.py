"""Ordered handlers behind two hooks, with many workers, retries and kills.

The deliveries of a repository run one at a time and in order of receipt. Each guid has its effect once.
"""

import asyncio
import random
import signal
from collections import Counter
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from tests import processes
from tests.chaos import invariants, journal, ledger, stack, stored
from tests.chaos.counts import Counts
from tests.chaos.redis_server import RedisServer
from tests.chaos.written import Entry

RETRIED = 0.1  # of all
HOOKS = (stored.HOOK, stored.HOOK + 1)


@pytest.mark.full("sqlite")
async def test_two_hooks_of_ordered_repositories_overlap_nowhere_keep_their_order_and_have_each_effect_once(
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
                stored.Push(next(numbers), "later" if random.random() < RETRIED else "", repository, HOOKS)
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
                    "handlers run",
                )
                victim = workers.pop(0)
                victim.kill()
                killed.add(victim.pid)
                log = tmp_path / f"{counts.workers + round_}.log"
                workers.append(
                    running.enter_context(processes.worker(log, stack.SHORT_LEASE_WORKER, **there))
                )
        pushed = next(numbers)
        assert await invariants.ended(database) == {"succeeded": len(HOOKS) * pushed}
        for worker in workers:
            assert await asyncio.to_thread(processes.stop, worker, signal.SIGTERM) == 0
    attempts = "SELECT DISTINCT attempts FROM receiver_delivery WHERE source = '' ORDER BY 1"
    assert ledger.execute(database, attempts) == [(1,)]
    lines = journal.entries(database, "began", "ended")
    for repository in range(1, counts.repositories + 1):
        mine = [line for line in lines if line.repository == repository]
        assert in_order(mine)
        assert one_at_a_time(mine, killed)
    done = journal.entries(database, "done")
    assert len({line.guid for line in done}) == journal.effects(database) == pushed
    assert done_once(done, killed)
    assert succeeded_runs(database) == {1: pushed}


def succeeded_runs(database: str) -> dict[int, int]:
    """Return how many guids have each number of succeeded runs of the handler."""
    rows = ledger.execute(
        database,
        "SELECT count(*) FROM receiver_handlerrun AS run JOIN receiver_delivery AS delivery"
        " ON delivery.id = run.delivery_id"
        " WHERE outcome = 'succeeded' AND handler = 'ordered.take_turns' GROUP BY guid",
    )
    return Counter(runs for (runs,) in rows)


def done_once(lines: list[Entry], killed: set[int]) -> bool:
    """Return whether no guid is done twice by workers that were not killed."""
    survivors = Counter(line.guid for line in lines if line.process not in killed)
    return max(survivors.values()) == 1


def in_order(lines: list[Entry]) -> bool:
    """Return whether the first attempts begin in order of receipt."""
    begun = list(dict.fromkeys(line.number for line in lines if line.what == "began"))
    return begun == sorted(begun)


def one_at_a_time(lines: list[Entry], killed: set[int]) -> bool:
    """Return whether each run begins after the last one ended, or after its worker was killed."""
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
