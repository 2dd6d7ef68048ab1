"""Another process locks SQLite's file, or the disk is full, during traffic."""

import asyncio
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import aiohttp
import pytest

from tests import github, processes
from tests.chaos import invariants, ledger, stack, stored
from tests.chaos.counts import Counts
from tests.chaos.redis_server import RedisServer
from tests.chaos.sender import Sender

BUSY_TIMEOUT = 5.0  # seconds, of settings.py
WORKERS = 2
HOLD = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
held.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked(database: str) -> Iterator[None]:
    """Hold SQLite's write lock in another process during the context."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(ledger.sqlite_path(database))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        yield  # then its input ends, and so does it


@pytest.mark.only("sqlite")
async def test_a_sqlite_file_locked_by_another_process_is_503_and_over_when_the_lock_goes(
    counts: Counts, http: aiohttp.ClientSession, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    there = {"DATABASE_URL": database, "REDIS_URL": redis_server.url}
    with (
        stack.receiver(tmp_path / "receiver.log", **there) as receiver,
        processes.worker(tmp_path / "worker.log", stack.SHORT_LEASE_WORKER, **there) as worker,
    ):
        sender = Sender(http, receiver.url)
        async with sender.traffic(per_second=5):
            await asyncio.sleep(0.5)
            with locked(database):
                start = time.monotonic()
                await asyncio.sleep(counts.lock)
                await sender.refused(start)
                # Those that arrive during a try wait for its outcome; the others are refused at once.
                await sender.refused(time.monotonic(), within=BUSY_TIMEOUT / 2)
                end = time.monotonic()
            await sender.recovered(end, counts.slack)
        assert set(sender.statuses()) == {202, 503}
        invariants.timely(sender)
        assert {answer.status for answer in sender.between(start, end)} == {503}
        invariants.kept(database, sender)
        assert await invariants.ended(database) == {"succeeded": len(sender.promised())}
        assert worker.poll() is None


@pytest.mark.only("sqlite")
async def test_a_receiver_and_workers_that_all_write_hard_never_meet_a_locked_database(
    counts: Counts, http: aiohttp.ClientSession, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    there = {
        "DATABASE_URL": database,
        "REDIS_URL": redis_server.url,
        "HANDLERS": "tests.chaos.naive",
        "LEASE": "30",
    }
    logs = [tmp_path / f"worker-{number}.log" for number in range(WORKERS)]
    with ExitStack() as running:
        receiver = running.enter_context(stack.receiver(tmp_path / "receiver.log", **there))
        for log in logs:
            running.enter_context(processes.worker(log, stack.SHORT_LEASE_WORKER, **there))
        sender = Sender(http, receiver.url)
        pushes = (github.request("push", stored.push(number)) for number in range(counts.pushes))
        await sender.crowd(pushes, counts.connections)
        assert sender.statuses() == {202: counts.pushes}
        assert await invariants.ended(database, within=600) == {"succeeded": counts.pushes}
    invariants.each_succeeded_once(database, "naive.write", "push.record")
    for log in [tmp_path / "receiver.log", *logs]:
        told = log.read_text()
        assert "locked" not in told
        # Redis may stall on a busy machine, which delays nothing.
        errors = [line for line in told.splitlines() if " ERROR " in line]
        assert [line for line in errors if "Redis does not answer" not in line] == []


@pytest.mark.only("sqlite", "linux")
async def test_a_full_disk_is_503_while_the_receiver_lives_and_over_when_there_is_room(
    counts: Counts, http: aiohttp.ClientSession, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    there = {"DATABASE_URL": database, "REDIS_URL": redis_server.url}
    with stack.receiver(tmp_path / "receiver.log", **there) as receiver:
        sender = Sender(http, receiver.url)
        async with sender.traffic(per_second=20):
            await sender.recovered(0, counts.slack)
            # The kernel refuses every write beyond the present size of the write-ahead log and a little more.
            room = ledger.sqlite_path(database + "-wal").stat().st_size + 100_000
            _, hard = resource.prlimit(receiver.process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(receiver.process.pid, resource.RLIMIT_FSIZE, (room, hard))
            await asyncio.to_thread(processes.wait_until, lambda: sender.statuses()[503] >= 20, "a full disk")
            async with http.get(f"{receiver.url}/healthz") as answer:
                assert answer.status == 200
            resource.prlimit(receiver.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
            room_again = time.monotonic()
            await sender.recovered(room_again, counts.slack)
        assert set(sender.statuses()) == {202, 503}
        invariants.timely(sender)
        invariants.kept(database, sender)
        with closing(sqlite3.connect(ledger.sqlite_path(database))) as whole:
            assert whole.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        with processes.worker(tmp_path / "worker.log", stack.SHORT_LEASE_WORKER, **there):
            assert set(await invariants.ended(database)) == {"succeeded"}
