"""Redis holds what it should not: another program's jobs, nothing, or the jobs of yesterday.

A wake-up only says that something is due. No content of Redis delays a delivery, and none misdirects it.
"""

import asyncio
import time
from itertools import count
from pathlib import Path

import aiohttp
import pytest
from arq.constants import job_key_prefix
from arq.jobs import serialize_job
from arq.utils import timestamp_ms

from receiver import queue
from tests import github, processes
from tests.chaos import invariants, journal, ledger, stack, stored
from tests.chaos.counts import Counts
from tests.chaos.redis_server import RedisServer
from tests.chaos.sender import Sender

pytestmark = pytest.mark.once

PER_SECOND = 20  # deliveries
YESTERDAY = 24 * 3600 * 1000  # milliseconds
LIFETIME = 3_600_000  # milliseconds that a job's body lives


def enqueue(server: RedisServer, name: str, function: str, jobs: int) -> None:
    """Write arq jobs that are due before all others. Every second one has lost its body.

    Their arguments are ids, as a job of an older version or of another program has.
    """
    due = timestamp_ms() - YESTERDAY
    with server.client() as client, client.pipeline(transaction=False) as pipeline:
        for number in range(1, jobs + 1):
            job = f"{name}:{number}"
            if number % 2:
                body = serialize_job(function, (number, number + 1), {"retry": True}, 1, due)
                pipeline.psetex(job_key_prefix + job, LIFETIME, body)
            pipeline.zadd(queue.NAME, {job: due})
        pipeline.execute()


async def another_program(server: RedisServer, seconds: float, jobs: int) -> None:
    """Keep about so many jobs in the queue, faster than the worker empties it."""
    end = time.monotonic() + seconds
    parts = count()
    while time.monotonic() < end:
        part = next(parts)
        await asyncio.to_thread(enqueue, server, f"mail-{part}", "send_mail", jobs // 2)
        await asyncio.to_thread(enqueue, server, f"process-{part}", queue.FUNCTION, jobs // 2)
        while await asyncio.to_thread(queued, server) > jobs // 2:
            await asyncio.sleep(0.02)


def queued(server: RedisServer) -> int:
    with server.client() as client:
        waiting: int = client.zcard(queue.NAME)
    return waiting


async def test_another_programs_jobs_a_flush_and_yesterdays_jobs_neither_misdirect_nor_delay_a_delivery(
    counts: Counts, http: aiohttp.ClientSession, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    journal.create(database)
    there = {
        "DATABASE_URL": database,
        "REDIS_URL": redis_server.url,
        "HANDLERS": "tests.chaos.scripted_handler",
    }
    await stored.wake(redis_server.url, counts.foreign_jobs)
    enqueue(redis_server, "yesterday", queue.FUNCTION, counts.foreign_jobs)
    yesterday = redis_server.dump()
    numbers = count()
    sent: dict[str, int] = {}

    def another() -> github.Request:
        number = next(numbers)
        request = github.request("push", stored.push(number))
        sent[request.guid] = number
        return request

    log = tmp_path / "worker.log"
    with (
        stack.receiver(tmp_path / "receiver.log", **there) as receiver,
        processes.worker(log, stack.SHORT_LEASE_WORKER, **there) as worker,
    ):
        sender = Sender(http, receiver.url)
        async with sender.traffic(PER_SECOND, another):
            await another_program(redis_server, counts.redis_fault, counts.foreign_jobs)
            with redis_server.client() as client:
                client.flushall()
            await asyncio.sleep(counts.redis_fault)
            await asyncio.to_thread(redis_server.restore, yesterday)
            await asyncio.sleep(counts.redis_fault)
        assert sender.statuses() == {202: len(sent)}
        assert await invariants.ended(database) == {"succeeded": len(sent)}
        assert worker.poll() is None
    assert "Traceback" not in log.read_text()
    invariants.kept(database, sender)
    invariants.each_succeeded_once(database, "scripted_handler.follow_script", "push.record")
    assert {entry.guid: entry.number for entry in journal.entries(database, "began")} == sent
    assert journal.effects(database) == len(sent)
    assert max(ledger.seconds_to_settle(database)) < counts.settled
