"""Slow senders do not delay others."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from tests import github
from tests.chaos import cpu_waits, invariants, sockets, stack
from tests.chaos.counts import Counts
from tests.chaos.redis_server import RedisServer
from tests.chaos.sender import Sender


@pytest.mark.once
async def test_connections_that_send_a_byte_a_second_do_not_keep_a_good_delivery_waiting(
    counts: Counts, http: aiohttp.ClientSession, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    slow = github.sample("push__branch")
    # Half of them stop within the headers, half after them.
    starts = [40, len(sockets.head(slow, len(slow.body)))]
    with stack.receiver(tmp_path / "log", DATABASE_URL=database, REDIS_URL=redis_server.url) as receiver:
        dribbling = [
            asyncio.create_task(sockets.dribble(receiver.url, slow, sent=starts[number % 2]))
            for number in range(counts.slow_senders)
        ]
        try:
            sender = Sender(http, receiver.url)
            async with (
                cpu_waits.sampled(database, receiver.process.pid) as waits,
                sender.traffic(per_second=5),
            ):
                await asyncio.sleep(counts.slow_senders_for)
                await sender.recovered(0, counts.slack)
        finally:
            for task in dribbling:
                task.cancel()
            await asyncio.gather(*dribbling, return_exceptions=True)
    assert set(sender.statuses()) == {202}
    assert max(map(waits.without, sender.answers)) < counts.prompt
    invariants.kept(database, sender)
