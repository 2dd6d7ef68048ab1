"""The largest pushes that GitHub sends, which compress a thousandfold, are due at once."""

import asyncio
import json
from pathlib import Path

import pytest

from receiver.frames import compress
from receiver.models import digest_of
from tests import github, processes
from tests.chaos import invariants, ledger, stack, stored
from tests.chaos.counts import Counts
from tests.chaos.redis_server import RedisServer

BIG = 25 * 1024 * 1024 - 100  # bytes
COMMITS = 2048
MEMORY = 500_000_000  # bytes that the worker may hold resident
ALLOWED = 600_000_000  # bytes that the kernel gives it


def big_push(number: int) -> bytes:
    """Return a push of 2048 commits with long, similar messages."""
    payload = github.payload("push__branch")
    payload |= {"ref": f"refs/heads/{number}", "after": stored.sha(number)}
    commit = {**payload["commits"][0], "added": [], "modified": [], "removed": [], "message": ""}
    commits = [{**commit, "id": stored.sha(number, place)} for place in range(COMMITS)]
    payload |= {"commits": commits, "head_commit": commits[-1]}
    room = (BIG - len(json.dumps(payload))) // COMMITS
    for one in commits[:-1]:
        one["message"] = "release notes " * (room // 14)
    return json.dumps(payload).encode()


def store(url: str, count: int) -> None:
    for number in range(count):
        [pk] = stored.store(url, [stored.Push(number)])
        body = big_push(number)
        assert 0.95 * BIG < len(body) <= BIG
        frame = compress(body)
        assert len(frame) < len(body) / 200
        ledger.update(url, pk, body=frame, size=len(body), digest=digest_of(body))


@pytest.mark.once
@pytest.mark.only("linux")
async def test_large_pushes_that_compress_well_neither_fill_the_memory_nor_end_the_worker(
    counts: Counts, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    await asyncio.to_thread(store, database, counts.large_pushes)
    there = {"DATABASE_URL": database, "REDIS_URL": redis_server.url}
    command = f"prlimit --data={ALLOWED} {processes.PROCFILE['worker']}"
    with processes.running(command, tmp_path / "worker.log", **there) as worker:
        await stored.wake(redis_server.url)
        assert await invariants.ended(database, within=60 + 20 * counts.large_pushes) == {
            "succeeded": counts.large_pushes
        }
        peak = stack.peak_memory(worker.pid)
        assert worker.poll() is None, "nothing killed it"
    assert peak < MEMORY, f"{peak:,}"
    assert ledger.execute(database, "SELECT DISTINCT attempts, crashes FROM receiver_delivery") == [(1, 0)]
