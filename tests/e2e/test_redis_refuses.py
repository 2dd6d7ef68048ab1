"""A Redis that refuses the password or a command is an outage: the worker goes on and tries again."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from django.core.management import call_command
from redis import Redis

from receiver import queue
from receiver.models import Delivery
from tests import github, processes, servers
from tests.processing.deliveries import stored

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


@pytest.fixture
def admin(tmp_path: Path) -> Iterator["Redis"]:
    """Yield an administrator's client of a Redis on TCP that only this test uses."""
    server = servers.Valkey(port=processes.free_port(), data_dir=tmp_path / "valkey")
    server.start()
    with Redis(port=server.port) as client:
        client.acl_setuser("admin", enabled=True, passwords=["+admins"], keys=["*"], categories=["+@all"])
    with Redis(port=server.port, username="admin", password="admins") as client:
        yield client
    server.stop()


def url_of(admin: "Redis") -> str:
    return f"redis://:ours@localhost:{admin.connection_pool.connection_kwargs['port']}"


def another_password(admin: "Redis") -> None:
    admin.acl_setuser("default", enabled=True, reset_passwords=True, passwords=["+another"])


def no_commands(admin: "Redis") -> None:
    admin.acl_setuser(
        "default", enabled=True, reset_passwords=True, passwords=["+ours"], categories=["-@all"]
    )


def let_in(admin: "Redis") -> None:
    admin.acl_setuser(
        "default", enabled=True, reset_passwords=True, passwords=["+ours"], keys=["*"], categories=["+@all"]
    )


async def send(http: aiohttp.ClientSession, url: str) -> None:
    sent = github.sample("push__branch")
    async with http.post(f"{url}/webhooks/github", data=sent.body, headers=sent.headers) as answer:
        assert answer.status == 202


async def succeeded(count: int) -> None:
    """Wait until this many deliveries have succeeded."""
    async with asyncio.timeout(processes.PATIENCE):
        while await Delivery.objects.filter(status="succeeded").acount() < count:  # noqa: ASYNC110 - another process writes
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("first", [another_password, pytest.param(no_commands, marks=pytest.mark.full)])
async def test_a_redis_that_refuses_the_worker_is_an_outage(
    first: Callable[["Redis"], None],
    http: aiohttp.ClientSession,
    database_url: str,
    admin: "Redis",
    tmp_path: Path,
) -> None:
    log = tmp_path / "worker.log"
    there = {"DATABASE_URL": database_url, "REDIS_URL": url_of(admin)}
    first(admin)
    with processes.receiver(tmp_path / "web.log", **there) as url, processes.worker(log, **there) as worker:
        await send(http, url)
        await succeeded(1)
        async with http.get(f"{url}/readyz") as answer:
            assert (answer.status, (await answer.json())["redis"]) == (503, "unavailable")
        for sent, refuse, reason in (
            (2, another_password, "invalid username-password pair"),
            (4, no_commands, "has no permissions"),
        ):
            let_in(admin)
            await send(http, url)
            await succeeded(sent)
            await asyncio.to_thread(
                processes.wait_until, lambda: not admin.zcard(queue.NAME), "the worker takes wake-ups again"
            )
            # The worker has a connection now.
            refuse(admin)
            admin.client_kill_filter(_type="normal", skipme=True)
            await send(http, url)
            await succeeded(sent + 1)
            await asyncio.to_thread(
                processes.wait_until,
                lambda: reason in log.read_text(),  # noqa: B023 - called at once
                "the reason is logged",
            )
        assert worker.poll() is None, log.read_text()
        assert processes.stop(worker, signal.SIGTERM) == 0, log.read_text()
    assert "Traceback" not in log.read_text() + (tmp_path / "web.log").read_text()


def test_a_replay_needs_no_wake_up_while_redis_refuses_the_password(
    admin: "Redis", settings: Any, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    another_password(admin)
    settings.REDIS_URL = url_of(admin)
    row = stored(status="succeeded")
    call_command("replay", row.guid)
    assert "1 to be processed again" in capsys.readouterr().out
    assert "wake-ups not enqueued count=1" in caplog.text


def test_the_queue_is_shown_while_redis_refuses_the_password(
    admin: "Redis", settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    another_password(admin)
    settings.REDIS_URL = url_of(admin)
    call_command("queue")
    assert "Redis does not answer" in capsys.readouterr().out
