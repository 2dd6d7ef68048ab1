"""The largest bodies that GitHub sends, and the most costly of that size, arrive at once."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from tests.chaos import cpu_waits, invariants, stack
from tests.chaos.big_bodies import KINDS, crowd
from tests.chaos.counts import Counts
from tests.chaos.redis_server import RedisServer
from tests.chaos.sender import Sender

MEMORY = 400_000_000  # bytes
# Seconds for a CPU, after which a body may come too late.
WAITS = 1.0
ATTEMPTS = 5  # at one body alone


@pytest.mark.full
@pytest.mark.once
@pytest.mark.only("linux")
@pytest.mark.parametrize("kinds", [*([kind] for kind in KINDS), list(KINDS)], ids=" ".join)
async def test_big_bodies_at_once_neither_fill_the_memory_nor_stop_small_deliveries(
    kinds: list[str],
    counts: Counts,
    http: aiohttp.ClientSession,
    database: str,
    redis_server: RedisServer,
    tmp_path: Path,
) -> None:
    with stack.receiver(tmp_path / "log", DATABASE_URL=database, REDIS_URL=redis_server.url) as receiver:
        small = Sender(http, receiver.url)
        async with cpu_waits.sampled(database, receiver.process.pid) as waits, small.traffic(per_second=10):
            answers = await asyncio.to_thread(crowd, receiver.url, kinds, counts.big_bodies)
        peak = receiver.peak_memory()
        big = Sender(http, receiver.url, list(answers))
        invariants.kept(database, small, big)
        # A machine that is very busy stores none of so many in time.
        for _ in range(ATTEMPTS):
            alone = await asyncio.to_thread(crowd, receiver.url, kinds[:1], 1)
            if alone[0].status == 202:
                break
    # The senders of 25 MB share the machine with the receiver, so their clock says a little more.
    invariants.timely(small, big, within=max(10.0, invariants.ANSWERED_WITHIN), seconds=waits.without)
    # A sender that waits for a CPU is late with its body, which is 408, or reads an early answer only after
    # the receiver, which waits some seconds for that, has closed.
    late = [answer for answer in big.answers if answer.seconds - waits.without(answer) > WAITS]
    assert {answer.status for answer in big.answers if answer not in late} <= {202, 503}
    assert {answer.status for answer in late} <= {0, 202, 408, 503}
    assert big.statuses()[202] or late
    assert alone[0].status == 202
    assert set(small.statuses()) == {202}
    assert max(map(waits.without, small.answers)) < counts.prompt
    assert peak < MEMORY
