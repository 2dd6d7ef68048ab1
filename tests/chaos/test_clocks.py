"""Workers whose clocks are an hour off, with --chaos beside one whose clock is right."""

import asyncio
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import processes, servers
from tests.chaos import invariants, journal, ledger, stack, stored
from tests.chaos.redis_server import RedisServer
from tests.chaos.times import LATER

HERE = Path(__file__).parent
HOUR = 3600
# The database has the right time, too.
CLOCKS = [HOUR, -HOUR, *([0] if servers.full_counts else [])]
# Seconds. Twice as long as other tests have, because a worker that does not renew in time is no thief.
LEASE = 6
# Seconds between two deliveries, and for all of them.
PAUSE, WITHIN = 0.1, 60


@pytest.mark.full("sqlite")
async def test_workers_with_clocks_an_hour_off_retry_nothing_early_and_steal_no_lease(
    database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    journal.create(database)
    with ExitStack() as running:
        workers = [
            running.enter_context(
                processes.worker(
                    tmp_path / f"{off}.log",
                    stack.SHORT_LEASE_WORKER,
                    DATABASE_URL=database,
                    REDIS_URL=redis_server.url,
                    HANDLERS="tests.chaos.scripted_handler",
                    PYTHONPATH=str(HERE / "clock"),
                    CLOCK_OFF=str(off),
                    LEASE=str(LEASE),
                )
            ).pid
            for off in CLOCKS
        ]
        # Deliveries arrive until each worker has begun both kinds.
        count, deadline = 0, time.monotonic() + WITHIN
        while {(entry.process, entry.number % 2) for entry in journal.entries(database, "began")} != {
            (worker, kind) for worker in workers for kind in range(2)
        }:
            assert time.monotonic() < deadline, "a worker claims nothing"
            await asyncio.to_thread(
                stored.store, database, [stored.Push(count, "long"), stored.Push(count + 1, "later")]
            )
            count += 2
            await stored.wake(redis_server.url)
            await asyncio.sleep(PAUSE)
        assert await invariants.ended(database) == {"succeeded": count}
    began = journal.entries(database, "began")
    assert Counter(entry.number for entry in began if entry.number % 2 == 0) == Counter(range(0, count, 2))
    for number in range(1, count, 2):
        first, second = [entry for entry in began if entry.number == number]
        # The database's clock makes it due; any worker may claim it then.
        assert LATER <= second.at - first.at < LATER + HOUR / 4
    assert ledger.execute(database, "SELECT DISTINCT claims, crashes FROM receiver_delivery ORDER BY 1") == [
        (1, 0),
        (2, 0),
    ]
