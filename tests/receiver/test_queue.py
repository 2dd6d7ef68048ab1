"""Wake-ups in arq's format: a stock arq worker runs them, and no answer waits for Redis."""

import asyncio
import json
import os
import sys
from typing import Any, cast

import pytest
from arq.connections import ArqRedis, RedisSettings
from arq.typing import WorkerCoroutine
from arq.worker import Worker, func
from pytest_django.fixtures import Settings
from redis import Redis

from receiver import queue
from receiver.store import Receipt, Stored
from tests import servers


async def burst(redis: "Redis") -> list[tuple[Any, ...]]:
    """Run the queue with a stock arq worker; return the arguments of each job."""
    ran: list[tuple[Any, ...]] = []

    async def process(_context: dict[str, Any], *args: Any) -> None:
        ran.append(args)

    worker = Worker(
        [func(cast("WorkerCoroutine", process), name=queue.FUNCTION)],
        redis_settings=RedisSettings(unix_socket_path=str(servers.folder / "redis.sock")),
        burst=True,
        poll_delay=0.01,
        keep_result=0,
        handle_signals=False,
        job_deserializer=json.loads,
        job_serializer=queue.serialize,
    )
    await worker.async_run()
    await worker.close()
    return ran


async def test_a_stock_arq_worker_runs_what_is_enqueued(redis: "Redis") -> None:
    async with queue.connect() as client:
        await queue.enqueue(client, {"push", "issues"})
    assert sorted(await burst(redis)) == [("issues",), ("push",)]
    assert redis.keys("arq:job:*") == []
    assert redis.zcard("arq:queue") == 0


async def test_a_job_is_what_arq_itself_would_have_written(redis: "Redis") -> None:
    async with queue.connect() as client:
        await queue.enqueue(client, {"push"})
        arqs = ArqRedis(client.connection_pool, job_serializer=queue.serialize)
        await arqs.enqueue_job("process", "push")
        keys = await client.keys("arq:job:*")
        ours, theirs = [json.loads(await client.get(key)) for key in keys]
        for job in (ours, theirs):
            del job["et"]
        assert ours == theirs
        assert await client.zcard("arq:queue") == 2
        assert all([await client.pttl(key) > 80_000_000 for key in keys])


async def test_one_wake_up_of_each_event_waits_however_many_arrive_while_no_worker_runs(
    redis: "Redis",
) -> None:
    for _ in range(2):
        wakeups = queue.Wakeups()
        for number in range(40):
            wakeups.wake(Stored(number, "push" if number % 2 else "issues", Receipt.ACCEPTED))
        await wakeups.close()
    assert len(redis.keys("arq:job:*")) == 2  # type: ignore[arg-type] # of a client that does not wait
    assert sorted(await burst(redis)) == [("issues",), ("push",)]


async def test_a_redis_that_is_down_costs_one_warning(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REDIS_URL = f"unix://{servers.folder / 'nobody.sock'}"
    wakeups = queue.Wakeups()
    for number in range(3):
        wakeups.wake(Stored(number, "push", Receipt.ACCEPTED))
        assert wakeups._sender is not None
        await wakeups._sender
    await wakeups.close()
    assert [record.getMessage().partition(" error=")[0] for record in caplog.records] == [
        "wake-ups not enqueued count=1"
    ]


async def test_importing_the_worker_does_nothing() -> None:
    environment = {**os.environ, "REDIS_URL": "redis://127.0.0.1:1", "DATABASE_URL": "nonsense"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-c", "import worker, sys; print('receiver.models' in sys.modules)",
        env=environment, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert (process.returncode, output) == (0, b"False\n")


async def test_the_workers_settings_are_made_without_redis_and_without_a_database() -> None:
    environment = {**os.environ, "REDIS_URL": "redis://127.0.0.1:1"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-c",
        "import worker; print(worker.WorkerSettings.functions[0].name)",
        env=environment, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert (process.returncode, output) == (0, b"process\n")
