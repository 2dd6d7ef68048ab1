"""Two deliveries arrive a few milliseconds apart, and then none."""

import asyncio
import random
import statistics
from pathlib import Path

import aiohttp
import pytest

from tests import github
from tests.chaos import invariants, stack
from tests.chaos.counts import Counts
from tests.chaos.redis_server import RedisServer
from tests.chaos.sender import Sender

WARM_UP = 20
# The second delivery of a pair follows within this many times the usual latency.
LATEST = 1.3


@pytest.mark.full("sqlite")
async def test_no_pair_of_deliveries_waits_for_a_third(
    counts: Counts, http: aiohttp.ClientSession, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    there = {"DATABASE_URL": database, "REDIS_URL": redis_server.url}
    with stack.receiver(tmp_path / "log", **there) as receiver:
        sender = Sender(http, receiver.url)
        for _ in range(WARM_UP):
            await sender.send(github.sample("push__branch"))
        usual = statistics.median(answer.seconds for answer in sender.answers)
        for _ in range(counts.pairs):
            first = asyncio.create_task(sender.send(github.sample("push__branch")))
            await asyncio.sleep(random.uniform(0, LATEST * usual))
            await asyncio.gather(first, sender.send(github.sample("create__branch")))
    assert sender.statuses() == {202: WARM_UP + 2 * counts.pairs}
    invariants.timely(sender)
    invariants.kept(database, sender)
