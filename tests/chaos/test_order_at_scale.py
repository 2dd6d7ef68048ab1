"""Many deliveries wait behind one of an ordered repository, and the latency of all others stays as it was."""

import asyncio
import statistics
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import processes
from tests.chaos import journal, ledger, stack, stored
from tests.chaos.counts import Counts
from tests.chaos.redis_server import RedisServer

BUSY, OTHER = 1, 2  # repositories
# Both workers are measured at the same time, so that a busy machine slows both. A claim that reads all
# deliveries that wait takes ten times as long as one that does not.
RATIO = 3.0


def hold(database: str, pk: int) -> None:
    """Have another worker process this delivery for the whole test."""
    ledger.update(
        database, pk, status="processing", worker="another", ordering_key=str(BUSY), claims=1,
        next_attempt_at=None, lease_expires_at="2100-01-01 00:00:00",
    )  # fmt: skip


def unread(database: str) -> int:
    """Return how many deliveries of the busy repository the claims still read."""
    statement = (
        "SELECT count(*) FROM receiver_delivery "
        f"WHERE repository_id = {BUSY} AND status = 'received' AND next_attempt_at IS NOT NULL"
    )
    return int(ledger.execute(database, statement)[0][0])


@pytest.mark.once
async def test_deliveries_behind_one_of_an_ordered_repository_leave_the_latency_of_others_as_it_was(
    counts: Counts, migrated: str, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    folder = tmp_path / "calm"
    folder.mkdir()
    calm = ledger.copy(migrated, folder)
    for url in (database, calm):
        journal.create(url)
    held, waiting = stored.store(database, [stored.Push(0, "", BUSY), stored.Push(1, "", BUSY)])
    hold(database, held)
    stored.multiply(database, waiting, counts.blocked - 1)
    # Each has its own queue.
    places = [(database, redis_server.url), (calm, f"{redis_server.url}?db=1")]
    with ExitStack() as running:
        for number, (url, redis) in enumerate(places):
            running.enter_context(
                processes.worker(
                    tmp_path / f"{number}.log", stack.SHORT_LEASE_WORKER, DATABASE_URL=url, REDIS_URL=redis,
                    HANDLERS="tests.chaos.ordered",
                )
            )  # fmt: skip
        await asyncio.to_thread(
            processes.wait_until, lambda: unread(database) == 0, "claims read none of those that wait", 300
        )
        if database.startswith("postgresql:"):
            # As autovacuum does within a minute: until then claims read the index entries that these had.
            ledger.execute(database, "VACUUM receiver_delivery")
        for number in range(counts.samples):
            for url, redis in places:
                await asyncio.to_thread(stored.store, url, [stored.Push(2 + number, "", OTHER)])
                await stored.wake(redis)
            await asyncio.sleep(0.05)
        latencies = [await settled(url, counts.samples) for url, _ in places]
    busy, usual = map(statistics.median, latencies)
    assert busy < RATIO * usual + counts.noise, f"{busy:.3f} s beside {usual:.3f} s"
    rows = f"SELECT count(*) FROM receiver_delivery WHERE repository_id = {BUSY} AND status = 'received'"
    assert ledger.execute(database, rows) == [(counts.blocked,)]
    ledger.drop(calm)


async def settled(database: str, count: int) -> list[float]:
    """Wait until the deliveries of the other repository have succeeded; return the seconds that each took."""
    statement = (
        f"SELECT count(*) FROM receiver_delivery WHERE repository_id = {OTHER} AND status = 'succeeded'"
    )
    await asyncio.to_thread(
        processes.wait_until, lambda: ledger.execute(database, statement) == [(count,)], "all succeed"
    )
    return [seconds for seconds in ledger.seconds_to_settle(database) if seconds is not None]
