"""Strangers, which sign nothing, neither delay honest senders nor fill the receiver's memory."""

import asyncio
import shlex
import sys
from pathlib import Path

import aiohttp
import pytest

from tests import github, processes
from tests.chaos import cpu_waits, invariants, sockets, stack
from tests.chaos.counts import Counts
from tests.chaos.redis_server import RedisServer
from tests.chaos.sender import Sender
from tests.receiver import raw

MEMORY = 400_000_000  # bytes
HONEST = 50  # deliveries a second


@pytest.mark.once
@pytest.mark.only("linux")
async def test_strangers_of_all_kinds_keep_no_honest_delivery_waiting_and_fill_no_memory(
    counts: Counts, http: aiohttp.ClientSession, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    with stack.receiver(tmp_path / "log", DATABASE_URL=database, REDIS_URL=redis_server.url) as receiver:
        numbers = [counts.idle, counts.stalled, counts.pipelining, counts.endless_heads]
        port = receiver.url.rpartition(":")[2]
        command = shlex.join([sys.executable, "-m", "tests.chaos.strangers", port, *map(str, numbers)])
        sender = Sender(http, receiver.url)
        with processes.running(command, tmp_path / "strangers.log"):
            async with (
                cpu_waits.sampled(database, receiver.process.pid) as waits,
                sender.traffic(per_second=HONEST),
            ):
                await asyncio.sleep(counts.strangers_for)
                await sender.recovered(0, counts.slack)
        peak = receiver.peak_memory()
    assert set(sender.statuses()) == {202}
    assert max(map(waits.without, sender.answers)) < counts.prompt
    assert peak < MEMORY
    invariants.kept(database, sender)


@pytest.mark.once
async def test_idle_connections_at_the_limit_of_open_files_are_ended_for_honest_ones_and_logged(
    counts: Counts, http: aiohttp.ClientSession, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with stack.receiver(log, files="256", DATABASE_URL=database, REDIS_URL=redis_server.url) as receiver:
        idle = [await sockets.connect(receiver.url) for _ in range(300)]
        sender = Sender(http, receiver.url)
        async with (
            cpu_waits.sampled(database, receiver.process.pid) as waits,
            sender.traffic(per_second=HONEST),
        ):
            await asyncio.sleep(2)
        processes.wait_until(lambda: "connections ended evicted_head=" in log.read_text(), "it is logged")
        for _, writer in idle:
            await sockets.close(writer)
    assert set(sender.statuses()) == {202}
    assert max(map(waits.without, sender.answers)) < counts.prompt
    assert "limit=128" in log.read_text()
    invariants.kept(database, sender)


@pytest.mark.full  # the suite holds the Procfile's option
@pytest.mark.once
async def test_a_connection_that_a_proxy_keeps_alive_takes_a_delivery_after_a_long_silence(
    counts: Counts, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    with stack.receiver(tmp_path / "log", DATABASE_URL=database, REDIS_URL=redis_server.url) as receiver:
        async with raw.connected(receiver.url) as (reader, writer):
            for silence in (0.0, counts.keep_alive):
                await asyncio.sleep(silence)
                request = github.sample("push__branch")
                writer.write(raw.head(request) + request.body)
                assert (await raw.answer(reader))[0] == 202
