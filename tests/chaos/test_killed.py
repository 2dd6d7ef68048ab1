"""The receiver is killed between a commit and its wake-up."""

import asyncio
import signal
from pathlib import Path

import aiohttp
import pytest

from tests import github, processes
from tests.chaos import invariants, ledger, stack
from tests.chaos.counts import Counts
from tests.chaos.redis_server import RedisServer
from tests.chaos.sender import Sender

AT_ONCE = 8


@pytest.mark.once
async def test_a_receiver_killed_between_commit_and_wake_up_again_and_again_loses_nothing(
    counts: Counts, http: aiohttp.ClientSession, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    there = {"DATABASE_URL": database, "REDIS_URL": redis_server.url, "PORT": str(processes.free_port())}
    senders = []
    with processes.worker(tmp_path / "worker.log", **there):
        for number in range(counts.kills):
            with stack.receiver(
                tmp_path / "receiver.log",
                "tests.chaos.killed_receiver:application",
                KILL_AT=str(1 + number % AT_ONCE),
                **there,
            ) as receiver:
                sender = Sender(http, receiver.url)
                await sender.crowd([github.sample("push__branch") for _ in range(AT_ONCE)], AT_ONCE)
                assert (
                    await asyncio.to_thread(receiver.process.wait, processes.STOPS_WITHIN) == -signal.SIGKILL
                )
            assert 0 in sender.statuses()
            invariants.kept(database, sender)
            senders.append(sender)
        # The last delivery of each receiver was committed and not answered.
        unanswered = ledger.rows(database).keys() - set[str]().union(*(it.promised() for it in senders))
        assert len(unanswered) >= counts.kills
        assert set(await invariants.ended(database)) == {"succeeded"}
    invariants.kept(database, *senders)
