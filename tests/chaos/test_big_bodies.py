"""The largest bodies that GitHub sends, all at once."""

import asyncio
import os
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from tests import github
from tests.chaos import law, sockets, stack
from tests.chaos.counts import Counts
from tests.chaos.redis_server import RedisServer
from tests.chaos.sender import Sender

MIB = 1024 * 1024
BIG = 25 * MIB - 100
MEMORY = 400_000_000  # bytes


def big_deliveries(count: int) -> list[github.Request]:
    """Deliveries of just under 25 MiB with guids of their own, and one body, which compresses badly."""
    body = b'{"zen": "%s"}' % os.urandom(BIG // 2).hex().encode()
    first = github.request("ping", body)
    guids = [str(uuid4()) for _ in range(count)]
    return [github.Request(body, {**first.headers, "X-GitHub-Delivery": guid}) for guid in guids]


@pytest.mark.only("linux")
async def test_big_bodies_at_once_neither_fill_the_memory_nor_stop_small_deliveries(
    counts: Counts, http: aiohttp.ClientSession, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    crowd = big_deliveries(counts.big_bodies)
    with stack.receiver(tmp_path / "log", DATABASE_URL=database, REDIS_URL=redis_server.url) as receiver:
        small = Sender(http, receiver.url)
        async with small.traffic(per_second=10):
            answers = await asyncio.gather(*(sockets.upload(receiver.url, request) for request in crowd))
        peak = receiver.peak_memory()
        big = Sender(http, receiver.url, list(answers))
        law.kept(database, small, big)
    law.timely(small, big, within=10)
    assert set(big.statuses()) <= {202, 503}
    assert big.statuses()[202] >= 1
    assert set(small.statuses()) == {202}
    assert peak < MEMORY
