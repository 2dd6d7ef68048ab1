"""Several receiver processes on one machine: uvicorn shares the port, and replaces a process that died."""

import asyncio
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from tests import github, processes
from tests.chaos import invariants, ledger, stack
from tests.chaos.redis_server import RedisServer
from tests.chaos.sender import Sender

# Seconds: longer than uvicorn's own limit of five, for each of two processes.
STALL = 12.0


def started(log: Path) -> list[int]:
    """Return the ids of all serving processes that have started."""
    return [int(pid) for pid in re.findall(r"Started server process \[(\d+)\]", log.read_text())]


def counted(database: str) -> int:
    """Return how many accepted deliveries the processes have counted together."""
    found = ledger.execute(database, "SELECT sum(value) FROM telemetry_count WHERE name = 'received'")
    return int(found[0][0] or 0)


@contextmanager
def two_processes(log: Path, database: str, redis_server: RedisServer) -> Iterator[stack.Receiver]:
    """Run a receiver of two processes, until both have started."""
    there = {"DATABASE_URL": database, "REDIS_URL": redis_server.url, "WEB_CONCURRENCY": "2"}
    with stack.receiver(log, **there) as receiver:
        processes.wait_until(lambda: len(started(log)) == 2, "both have started")
        yield receiver


@pytest.mark.once
async def test_a_receiver_process_that_is_killed_costs_no_accepted_delivery_and_is_replaced(
    http: aiohttp.ClientSession, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    log = tmp_path / "web.log"
    with two_processes(log, database, redis_server) as receiver:
        sender = Sender(http, receiver.url)
        async with sender.traffic(per_second=40):
            await sender.recovered(time.monotonic(), within=60)
            os.kill(started(log)[0], signal.SIGKILL)
            await asyncio.to_thread(
                processes.wait_until, lambda: len(started(log)) == 3, "another one has started", 60
            )
            await sender.recovered(time.monotonic(), within=60)
        # The connections of the killed process end without an answer.
        assert set(sender.statuses()) <= {0, 202}
        invariants.kept(database, sender)
        async with http.get(f"{receiver.url}/readyz") as answer:
            assert answer.status == 200
        await asyncio.to_thread(
            processes.wait_until,
            lambda: ledger.execute(database, "SELECT count(*) FROM receiver_resumption") == [(3,)],
            "each process has noted that it takes deliveries from now on",
        )
        before = counted(database)
        await sender.crowd([github.sample("push__branch") for _ in range(20)], 10)
        receiver.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(receiver.process.wait, processes.STOPS_WITHIN) == 0
        assert counted(database) - before >= 20
        invariants.kept(database, sender)
    assert "Traceback" not in log.read_text()


@pytest.mark.full  # the suite holds the Procfile's option
@pytest.mark.once
async def test_a_receiver_process_that_stalls_with_a_delivery_in_hand_is_not_killed_and_answers(
    http: aiohttp.ClientSession, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    log = tmp_path / "web.log"
    with two_processes(log, database, redis_server) as receiver:
        stalled = started(log)
        for one in stalled:
            os.kill(one, signal.SIGSTOP)
        sender = Sender(http, receiver.url)
        sending = asyncio.create_task(sender.send(github.sample("push__branch")))
        await asyncio.sleep(STALL)
        for one in stalled:
            os.kill(one, signal.SIGCONT)
        assert (await sending).status == 202
        assert started(log) == stalled
