"""Pruning beside traffic, by workers that are killed in the middle of it."""

import asyncio
import json
import signal
import uuid
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from tests import processes
from tests.chaos import invariants, ledger, stack, stored
from tests.chaos.counts import Counts
from tests.chaos.redis_server import RedisServer
from tests.chaos.sender import Sender
from tests.chaos.test_operations import holder, progress

OLD = "received_at < '2020-01-02'"


def ask_to_prune(url: str, rate: float) -> None:
    """Queue an operation as a worker does each day."""
    ledger.insert(
        url,
        "ledger_operation",
        [
            {
                "key": uuid.uuid4(), "kind": "prune", "parameters": json.dumps({"bodies": 30.0}),
                "rate": rate, "requested_by": "ada", "state": "queued", "done": 0, "failed": 0,
                "failures": "{}", "created_at": datetime.now(UTC), "error": "", "worker": "", "version": 0,
                "crashes": 0,
            }
        ],
    )  # fmt: skip


@pytest.mark.full
@pytest.mark.once
async def test_a_prune_whose_worker_is_killed_is_resumed_and_leaves_what_arrives_alone(
    counts: Counts, database: str, redis_server: RedisServer, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    old = counts.replayed
    stored.store(database, [stored.Push(number) for number in range(old)])
    ledger.execute(
        database,
        "UPDATE receiver_delivery SET status = 'succeeded', next_attempt_at = NULL,"
        " received_at = '2020-01-01 00:00:00', finished_at = '2020-01-01 00:00:00'",
    )
    # The workers start no operation of their own.
    never = dict.fromkeys(("KEEP_BODIES", "KEEP_DELIVERIES", "KEEP_KEYS"), "0")
    there = {"DATABASE_URL": database, "REDIS_URL": redis_server.url, **never}
    log = tmp_path / "worker.log"
    with ExitStack() as running:
        ask_to_prune(database, rate=1.0)
        first = running.enter_context(processes.worker(log, stack.SHORT_LEASE_WORKER, **there))
        url = running.enter_context(processes.receiver(tmp_path / "receiver.log", **there))
        sender = Sender(http, url)
        async with sender.traffic(per_second=20):
            await asyncio.to_thread(
                processes.wait_until, lambda: 0 < progress(database)[0] < old, "some were pruned", 60
            )
            assert holder(database) == first.pid
            first.kill()
            assert first.wait() == -signal.SIGKILL
            ledger.execute(database, "UPDATE ledger_operation SET rate = 0")
            running.enter_context(processes.worker(log, stack.SHORT_LEASE_WORKER, **there))
            await asyncio.to_thread(
                processes.wait_until,
                lambda: progress(database) == (old, 0, "finished"),
                "all were pruned",
                60,
            )
        invariants.kept(database, sender)
        assert sender.statuses().keys() == {202}
        assert await invariants.ended(database) == {"succeeded": old + len(sender.answers)}
    bodies = f"SELECT {OLD}, body IS NULL, count(*) FROM receiver_delivery GROUP BY 1, 2 ORDER BY 1"
    assert [tuple(map(int, row)) for row in ledger.execute(database, bodies)] == [
        (0, 0, len(sender.answers)), (1, 1, old),
    ]  # fmt: skip
