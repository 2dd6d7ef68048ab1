"""Redis with TLS, with a user who may do little, and with Sentinels that fail over."""

import asyncio
import re
import signal
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from arq.connections import log_redis_info
from asgiref.sync import sync_to_async
from django.core.cache.backends.redis import RedisCache
from pytest_django.fixtures import Settings
from redis import Redis
from redis.exceptions import RedisError

from console.doctor import machine, services
from console.doctor.findings import Status
from ledger import caching, heartbeats
from processing import heartbeat, resilient_redis
from receiver import queue
from tests import processes, servers
from tests.chaos import invariants, redis_setups, stack
from tests.chaos.certificates import Authority
from tests.chaos.counts import Counts
from tests.chaos.sender import Sender

pytestmark = [pytest.mark.once, pytest.mark.django_db(transaction=True)]  # the doctor looks at all clocks

needs_tls = pytest.mark.skipif(redis_setups.WITH_TLS is None, reason="redis-server is not installed")


async def use(settings: Settings) -> None:
    """Use Redis as receivers, workers and console do; assert that all of it works."""
    async with queue.connect() as receiver:
        await receiver.ping()
        await queue.enqueue(receiver, ["push"])
    async with resilient_redis.connect() as worker:
        await log_redis_info(worker, lambda _text: None)
        assert await worker.zcard(queue.NAME) == 1
        assert await worker.bzpopmin(queue.NAME, 1)
        assert await worker.zpopmin(queue.NAME, 9) == []
        await worker.psetex(f"{queue.NAME}:health-check", 1000, b"well")
        beating = asyncio.create_task(heartbeat.keep(worker, "one", lambda: ()))
        async with asyncio.timeout(30):
            while [one.worker for one in await sync_to_async(heartbeats.read)()] != ["one"]:
                await asyncio.sleep(0.02)
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
    kept = RedisCache([settings.REDIS_URL], dict(settings.CACHES["default"]))
    assert await kept.aadd("lock", 1, timeout=caching.COMPUTES_FOR)
    await kept.aset("key", {"at": "now"}, timeout=timedelta(days=1).total_seconds())
    assert await kept.aget("key") == {"at": "now"}
    assert await kept.ahas_key("lock")
    await kept.adelete("lock")
    kept.close()
    # The doctor waits for a few seconds, and the clocks may stall between its two looks at one.
    async with asyncio.timeout(60):
        while await sync_to_async(doctor)() != (Status.OK, Status.OK):
            await asyncio.sleep(0.1)


def doctor() -> tuple[Status, Status]:
    """Return what the doctor says of Redis and of its clock."""
    said = {one.name: one.status for one in [*services.check_redis(), *machine.check_clock()]}
    return said["redis"], said["clock: redis"]


@pytest.fixture
def restricted(tmp_path: Path) -> Iterator[int]:
    """Yield the port of a Redis whose user is the one of the docs."""
    server = servers.Valkey(port=processes.free_port(), data_dir=tmp_path / "valkey")
    server.start()
    with Redis(port=server.port) as admin:
        admin.execute_command("ACL", "SETUSER", *redis_setups.acl().split()[1:])
    yield server.port
    server.stop()


async def test_the_user_of_the_docs_suffices_and_may_do_nothing_else(
    restricted: int, settings: Settings
) -> None:
    settings.REDIS_URL = f"redis://hookkeeper:p%40ss%2Fword@127.0.0.1:{restricted}/0?client_name=us"
    await use(settings)
    with Redis(port=restricted) as admin:
        assert admin.acl_log() == []
    with Redis(port=restricted, username=redis_setups.USER, password=redis_setups.PASSWORD) as user:
        for command in (["SET", "foreign", "1"], ["FLUSHALL"], ["CONFIG", "GET", "*"], ["KEYS", "*"]):
            with pytest.raises(RedisError, match=r"(?i)no permissions"):
                user.execute_command(*command)


def test_the_doctor_sees_each_right_that_the_user_lacks(restricted: int, settings: Settings) -> None:
    settings.REDIS_URL = f"redis://hookkeeper:p%40ss%2Fword@127.0.0.1:{restricted}/0"
    rights = re.findall(r"\+(\w+)(?= |$)", redis_setups.acl())
    unseen = set()
    with Redis(port=restricted) as admin:
        for right in rights:
            admin.execute_command("ACL", "SETUSER", redis_setups.USER, f"-{right}")
            said = [*services.check_redis(), *services.check_workers(), *machine.check_clock()]
            if not any("permissions" in one.seen for one in said if one.status is not Status.OK):
                unseen.add(right)
            admin.execute_command("ACL", "SETUSER", redis_setups.USER, f"+{right}")
    # Database 0 is not selected, and only the doctor asks for the time.
    assert unseen == {"select", "time"}


async def test_every_client_follows_the_sentinels_to_the_new_primary(
    counts: Counts, tmp_path: Path, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with redis_setups.sentinels(tmp_path, counts.sentinels) as setup:
        settings.REDIS_URL = setup.url
        await use(settings)
        receiver, worker = queue.connect(), resilient_redis.connect()
        await receiver.ping()
        await worker.zcard(queue.NAME)
        killed = await asyncio.to_thread(setup.kill_primary)
        async with asyncio.timeout(60):
            # It repeats the command until the Sentinels have agreed on the other server.
            await worker.zadd(queue.NAME, {"job": 1})
        await asyncio.to_thread(setup.wait_for_failover, killed)
        with setup.client(setup.ports[1]) as new:
            assert new.info("replication")["role"] == "master"
            assert new.zscore(queue.NAME, "job") == 1
            new.delete(queue.NAME)
        await receiver.ping()
        await receiver.aclose()
        await worker.aclose()
        await use(settings)
    assert redis_setups.PASSWORD not in caplog.text


@needs_tls
@pytest.mark.full
async def test_receiver_worker_and_console_outlive_a_failover_with_tls_and_a_user_of_their_own(
    counts: Counts, http: aiohttp.ClientSession, database: str, tmp_path: Path, settings: Settings
) -> None:
    with redis_setups.sentinels(tmp_path, counts.sentinels, Authority(tmp_path)) as setup:
        there = {"DATABASE_URL": database, "REDIS_URL": setup.url, "SECRET_KEY": "x" * 40}
        settings.REDIS_URL = setup.url
        with (
            stack.receiver(tmp_path / "web.log", **there) as receiver,
            processes.worker(tmp_path / "worker.log", **there) as worker,
            processes.console(tmp_path / "console.log", **there),
        ):
            sender = Sender(http, receiver.url)
            async with sender.traffic(per_second=20):
                await asyncio.sleep(1)
                killed = await asyncio.to_thread(setup.kill_primary)
                await asyncio.to_thread(setup.wait_for_failover, killed)
                async with asyncio.timeout(60):
                    while (await http.get(f"{receiver.url}/readyz")).status != 200:
                        await asyncio.sleep(0.1)
                await sender.recovered(time.monotonic(), within=30)
                await asyncio.to_thread(processes.wait_until, heartbeats.read, "the worker is seen again")
            assert set(sender.statuses()) == {202}
            invariants.kept(database, sender)
            assert set(await invariants.ended(database)) == {"succeeded"}
            assert await asyncio.to_thread(processes.stop, worker, signal.SIGTERM) == 0
        with setup.client(await asyncio.to_thread(setup.primary)) as admin:
            assert admin.acl_log() == []
    logs = "".join(path.read_text() for path in tmp_path.glob("*.log"))
    assert redis_setups.PASSWORD not in logs
    assert "Traceback" not in logs


@needs_tls
async def test_a_redis_with_a_certificate_of_another_authority_or_name_is_an_outage_with_its_reason(
    tmp_path: Path, settings: Settings
) -> None:
    authority, other = Authority(tmp_path), Authority(tmp_path, "another")
    with redis_setups.server(tmp_path, authority) as port:
        for host, each, status, said in (
            ("localhost", other, Status.WRONG, "CERTIFICATE_VERIFY_FAILED"),
            ("127.0.0.1", authority, Status.WRONG, "certificate is not valid for '127.0.0.1'"),
            ("localhost", authority, Status.OK, "takes and deletes a key"),
        ):
            settings.REDIS_URL = f"rediss://{host}:{port}/0?ssl_ca_certs={each.certificate}"
            # The doctor waits for two seconds, which a busy machine may take.
            found = ""
            async with asyncio.timeout(60):
                while said not in found:
                    [finding] = await sync_to_async(lambda: [*services.check_redis()])()
                    found = finding.seen
            assert finding.status is status
