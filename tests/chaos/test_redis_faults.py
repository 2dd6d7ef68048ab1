"""Redis goes away, forgets, and fills up, in the middle of traffic: the sender notices nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest

from tests import processes
from tests.chaos import law, stack
from tests.chaos.counts import Counts
from tests.chaos.redis_server import RedisServer
from tests.chaos.sender import Sender


async def down(server: RedisServer, seconds: float) -> None:
    await asyncio.to_thread(server.kill)
    await asyncio.sleep(seconds)
    await asyncio.to_thread(server.start)


async def flushed(server: RedisServer, seconds: float) -> None:
    for _ in range(int(seconds * 10)):
        with server.client() as client:
            client.flushall()
        await asyncio.sleep(0.1)


async def full(server: RedisServer, seconds: float) -> None:
    await asyncio.to_thread(server.fill)
    await asyncio.sleep(seconds)
    await asyncio.to_thread(server.relieve)


@pytest.mark.parametrize("fault", [down, flushed, full])
async def test_redis_that_fails_in_mid_traffic_is_not_noticed_by_the_sender_and_costs_no_delivery(
    fault: Callable[[RedisServer, float], Awaitable[None]],
    counts: Counts,
    http: aiohttp.ClientSession,
    database: str,
    redis_server: RedisServer,
    tmp_path: Path,
) -> None:
    there = {"DATABASE_URL": database, "REDIS_URL": redis_server.url}
    with (
        stack.receiver(tmp_path / "receiver.log", **there) as receiver,
        processes.worker(tmp_path / "worker.log", **there) as worker,
    ):
        sender = Sender(http, receiver.url)
        async with sender.traffic(per_second=20):
            await asyncio.sleep(0.5)
            await fault(redis_server, counts.outage)
            await asyncio.sleep(0.5)
        assert set(sender.statuses()) == {202}
        assert max(answer.seconds for answer in sender.answers) < 2
        law.kept(database, sender)
        assert await law.made_good(database) == {"succeeded": len(sender.answers)}
        assert worker.poll() is None
