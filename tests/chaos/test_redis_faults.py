"""Redis stops, loses its content and runs out of memory during traffic: the sender notices nothing."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from receiver import queue
from tests import processes
from tests.chaos import cpu_waits, invariants, journal, ledger, stack, stored
from tests.chaos.counts import Counts
from tests.chaos.redis_server import RedisServer
from tests.chaos.sender import Sender

pytestmark = pytest.mark.once

GRACE = 1.0  # seconds
# Seconds after the grace period in which a worker stops.
STOPPED_WITHIN = 60
JOBS = 20
# Seconds from one restart, or one hang, of Redis to the next; and between two kinds of faults.
EVERY = 0.8
BETWEEN = 0.2


async def down(server: RedisServer, seconds: float) -> None:
    await asyncio.to_thread(server.kill)
    await asyncio.sleep(seconds)
    await asyncio.to_thread(server.start)


def times(seconds: float) -> int:
    """Return how often a fault is repeated in this time."""
    return max(1, round(seconds / EVERY))


async def restarted(server: RedisServer, seconds: float) -> None:
    for _ in range(times(seconds)):
        await down(server, 0)
        await asyncio.sleep(EVERY)


async def hanging(server: RedisServer, seconds: float) -> None:
    for _ in range(times(seconds)):
        await asyncio.to_thread(server.hang)
        await asyncio.sleep(EVERY / 2)
        server.go_on()
        await asyncio.sleep(EVERY / 2)


async def flushed(server: RedisServer, seconds: float) -> None:
    for _ in range(int(seconds * 10)):
        with server.client() as client:
            client.flushall()
        await asyncio.sleep(0.1)


async def full(server: RedisServer, seconds: float) -> None:
    await asyncio.to_thread(server.fill)
    await asyncio.sleep(seconds)
    await asyncio.to_thread(server.relieve)


async def read_only(server: RedisServer, seconds: float) -> None:
    """Make Redis a replica, as a failover does, and promote it again."""
    with server.client() as client:
        client.execute_command("REPLICAOF", "localhost", "1")
        await asyncio.sleep(seconds)
        client.execute_command("REPLICAOF", "NO", "ONE")


FAULTS = [restarted, hanging, flushed, full, read_only]


async def test_redis_that_fails_in_mid_traffic_is_not_noticed_by_the_sender_and_costs_no_delivery(
    counts: Counts, http: aiohttp.ClientSession, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    there = {"DATABASE_URL": database, "REDIS_URL": redis_server.url}
    with (
        stack.receiver(tmp_path / "receiver.log", **there) as receiver,
        processes.worker(tmp_path / "worker.log", stack.SHORT_LEASE_WORKER, **there) as worker,
    ):
        sender = Sender(http, receiver.url)
        async with cpu_waits.sampled(database, receiver.process.pid) as waits, sender.traffic(per_second=20):
            await asyncio.sleep(BETWEEN)
            await down(redis_server, counts.outage)
            for fault in FAULTS:
                await asyncio.sleep(BETWEEN)
                await fault(redis_server, counts.redis_fault)
                assert worker.poll() is None, f"{fault.__name__}: {(tmp_path / 'worker.log').read_text()}"
            await asyncio.sleep(BETWEEN)
        assert set(sender.statuses()) == {202}
        assert max(map(waits.without, sender.answers)) < counts.prompt
        invariants.kept(database, sender)
        # Workers find in the database what Redis lost.
        assert await invariants.ended(database) == {"succeeded": len(sender.answers)}
        assert worker.poll() is None


async def test_connections_cut_at_any_moment_leave_a_worker_that_lives_and_hears(
    counts: Counts, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    there = {"DATABASE_URL": database, "REDIS_URL": redis_server.url}
    with processes.worker(tmp_path / "worker.log", stack.SHORT_LEASE_WORKER, **there) as worker:
        await asyncio.to_thread(
            stored.store, database, [stored.Push(number) for number in range(counts.cuts)]
        )
        with redis_server.client() as client:
            for _ in range(counts.cuts):
                # The queue never becomes empty.
                if client.zcard(queue.NAME) < JOBS:
                    await stored.wake(redis_server.url, JOBS)
                client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                await asyncio.sleep(random.uniform(0, 0.2))
            assert await invariants.ended(database) == {"succeeded": counts.cuts}
            await stored.wake(redis_server.url)
            await asyncio.to_thread(
                processes.wait_until, lambda: client.zcard(queue.NAME) == 0, "the worker hears"
            )
        assert worker.poll() is None


async def told_to_stop(
    gone: Callable[[RedisServer], None], server: RedisServer, database: str, log: Path
) -> None:
    journal.create(database)
    there = {
        "DATABASE_URL": database,
        "REDIS_URL": server.url,
        "HANDLERS": "tests.chaos.scripted_handler",
        "LET": str(log.parent / "never"),
        "WORKER_GRACE": str(GRACE),
    }
    with processes.worker(log, stack.SHORT_LEASE_WORKER, **there) as worker:
        pushes = [stored.Push(0, "waits"), *(stored.Push(number) for number in range(1, 100))]
        waiting, *_ = stored.store(database, pushes)
        await stored.wake(server.url, JOBS)
        await asyncio.to_thread(
            processes.wait_until, lambda: journal.entries(database, "began"), "the handler has begun"
        )
        await asyncio.to_thread(gone, server)
        await asyncio.sleep(0.2)
        worker.terminate()
        assert await asyncio.to_thread(worker.wait, GRACE + STOPPED_WITHIN) == 0
    rows = ledger.execute(database, "SELECT id, status, attempts, crashes FROM receiver_delivery ORDER BY id")
    assert rows[0] == (waiting, "received", 0, 0)
    assert {row[1:] for row in rows} <= {("received", 0, 0), ("succeeded", 1, 0)}


async def test_a_worker_that_is_stopped_while_redis_is_away_or_hangs_gives_back_its_claims_and_exits_0(
    migrated: str, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    other_server, other_database = RedisServer(folder), ledger.copy(migrated, folder)
    other_server.start()
    try:
        await asyncio.gather(
            told_to_stop(RedisServer.kill, redis_server, database, tmp_path / "killed.log"),
            told_to_stop(RedisServer.hang, other_server, other_database, tmp_path / "hanging.log"),
        )
    finally:
        other_server.stop()
        ledger.drop(other_database)
