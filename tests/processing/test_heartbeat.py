"""Heartbeats: each worker writes one to Redis, and no fault of Redis ends the worker."""

import asyncio
import logging
import shlex
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import cast

import pytest
from asgiref.sync import sync_to_async
from pytest_django.fixtures import Settings
from redis import Redis
from redis.exceptions import RedisError

from ledger import heartbeats
from ledger.heartbeats import Heartbeat
from processing import heartbeat, resilient_redis
from processing.resilient_redis import ResilientRedis
from telemetry import logs
from tests import processes, servers


@pytest.fixture
async def client() -> AsyncIterator[ResilientRedis]:
    """Yield the worker's client."""
    async with resilient_redis.connect() as connected:
        yield connected


@pytest.fixture
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the last commands of a worker wait for a Redis that stalls."""
    monkeypatch.setattr(resilient_redis, "LAST_WITHIN", 30.0)


async def seen(true: Callable[[list[Heartbeat]], bool]) -> list[Heartbeat]:
    """Wait until this is true of the live workers."""
    async with asyncio.timeout(60):
        while True:
            alive, _ = await sync_to_async(heartbeats.read_or_error)()
            if true(alive):
                return alive
            await asyncio.sleep(0.01)


@pytest.mark.usefixtures("_patient")
async def test_a_worker_says_what_it_has_and_since_when_and_at_its_end_that_it_is_gone(
    redis: "Redis", client: ResilientRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_INTERVAL", 0.05)
    held = {7}
    tasks = [
        asyncio.create_task(heartbeat.keep(client, "b:2", lambda: held)),
        asyncio.create_task(heartbeat.keep(client, "a:1", lambda: ())),
    ]
    first = await seen(lambda alive: len(alive) == 2)
    assert [(one.worker, one.at_work, list(one.running)) for one in first] == [
        ("a:1", 0, []),
        ("b:2", 1, [7]),
    ]
    await asyncio.sleep(0.3)
    held.add(8)
    [_, later] = await seen(lambda alive: [one.at_work for one in alive] == [0, 2])
    # Both are rounded to a tenth of a second.
    assert later.running[7] - later.running[8] > 0.19
    assert later.since == first[1].since
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert heartbeats.read() == []


async def test_of_much_at_work_the_longest_is_named(redis: "Redis", client: ResilientRedis) -> None:
    task = asyncio.create_task(heartbeat.keep(client, "a:1", lambda: range(500)))
    [one] = await seen(lambda alive: len(alive) == 1)
    assert (one.at_work, list(one.running)) == (500, list(range(heartbeat.LONGEST)))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_a_worker_that_was_killed_is_gone_when_its_key_is(
    redis: "Redis", database_url: str, worker_log: Path
) -> None:
    with processes.worker(worker_log, DATABASE_URL=database_url) as killed:
        [worker] = alive(1)
        key = heartbeats.KEY + worker
        assert worker.split(":")[1] == str(killed.pid)
        processes.wait_until(
            lambda: cast("int", redis.ttl(key)) in range(1, heartbeat.EXPIRES + 1), "its key will expire"
        )
        processes.stop(killed, signal.SIGKILL)
    redis.delete(key)  # as its end would
    assert heartbeats.read_or_error()[0] == []


def test_arqs_check_finds_a_worker_of_this_host_until_it_ends_whatever_a_handler_left(
    redis: "Redis", database_url: str, worker_log: Path, tmp_path: Path
) -> None:
    def check(**variables: str) -> tuple[int, str]:
        done = subprocess.run(
            shlex.split(f"{processes.PROCFILE['worker']} --check"),
            cwd=processes.ROOT, capture_output=True, text=True, check=False, timeout=60,
            env=processes.environment(DATABASE_URL=database_url, **variables),
        )  # fmt: skip
        return done.returncode, done.stderr

    with (
        processes.worker(worker_log, DATABASE_URL=database_url) as one,
        processes.worker(
            worker_log, "tests.processing.busy_worker.WorkerSettings", DATABASE_URL=database_url
        ) as busy,
    ):
        alive(2)
        # The end of its terminal stops a worker as SIGTERM does, unless `nohup` runs the tests.
        ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        assert processes.stop(one, signal.SIGTERM if ignored else signal.SIGHUP) == 0
        assert check() == (0, "")
        assert processes.stop(busy, signal.SIGTERM) == 1
        assert "threading.py" in worker_log.read_text()
    redis.flushall()  # a worker does not wait for a Redis that stalls when it removes its heartbeat
    assert check() == (1, "hookkeeper: no worker of this host is alive\n")
    code, away = check(REDIS_URL=f"unix://{tmp_path / 'none.sock'}")
    assert (code, away.count("\n")) == (1, 1)
    assert "Redis does not answer" in away


def alive(count: int) -> list[str]:
    """Wait until so many workers live; return their names."""
    names: list[str] = []

    def found() -> bool:
        names[:] = [one.worker for one in heartbeats.read_or_error()[0]]
        return len(names) == count

    processes.wait_until(found, f"{count} live")
    return names


async def test_an_outage_of_redis_and_its_end_are_logged_once_and_outlived(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(resilient_redis.logger, "filters", [logs.Seldom(600.0)])
    monkeypatch.setattr(heartbeat, "BEAT_INTERVAL", 0.02)
    settings.REDIS_URL = f"unix://{tmp_path / 'r.sock'}"
    server = servers.Valkey(port=0, data_dir=tmp_path / "valkey", unix_socket_path=tmp_path / "r.sock")
    with caplog.at_level(logging.INFO):
        client = resilient_redis.connect()
        task = asyncio.create_task(heartbeat.keep(client, "a:1", lambda: ()))
        await asyncio.sleep(0.2)
        with pytest.raises((RedisError, OSError)):
            heartbeats.read()
        for _ in range(2):
            await sync_to_async(server.start)()
            await seen(lambda alive: len(alive) == 1)
            await sync_to_async(server.stop)()
            await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await client.aclose()
    said = [message.partition(" error=")[0] for message in caplog.messages]
    # The last one is of the end of the heartbeat, while Redis is away again.
    assert said == ["Redis does not answer", "Redis answers again", "Redis keys not deleted"]
