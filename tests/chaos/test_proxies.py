"""Receivers behind the proxies whose configurations are in `deploy/`."""

import asyncio
import json
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import aiohttp
import pytest

from tests import github
from tests.chaos import invariants, ledger, proxies, stack
from tests.chaos.redis_server import RedisServer
from tests.chaos.sender import Sender

Start = Callable[[Path, Sequence[str]], AbstractContextManager[proxies.Proxy]]

# Nearly as large as GitHub's largest.
LARGE = 24 * 1024 * 1024


def large() -> github.Request:
    content = github.payload("push__branch")
    content["padding"] = "x" * LARGE
    return github.request("push", json.dumps(content).encode())


async def taken(sender: Sender, request: github.Request) -> None:
    """Send until it is taken: on a busy machine a large body may not be stored before GitHub gives up."""
    async with asyncio.timeout(60):
        while (status := (await sender.send(request)).status) not in {200, 202}:
            assert status in {503, 504}


@pytest.mark.once
@pytest.mark.parametrize(
    ("start", "in_flight"),
    [
        # nginx sends a delivery whose receiver died to the other one; Caddy answers 502 for about a second.
        pytest.param(
            proxies.nginx, set(), id="nginx",
            marks=pytest.mark.skipif(proxies.NGINX is None, reason="nginx is not installed"),
        ),
        pytest.param(
            proxies.caddy, {502}, id="caddy",
            marks=[
                pytest.mark.skipif(proxies.CADDY is None, reason="caddy is not installed"), pytest.mark.full
            ],
        ),
    ],
)  # fmt: skip
async def test_receivers_that_die_in_turn_behind_a_proxy_cost_no_accepted_delivery(
    start: Start, in_flight: set[int], database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    there = {"DATABASE_URL": database, "REDIS_URL": redis_server.url}
    with (
        stack.receiver(tmp_path / "one.log", **there) as one,
        stack.receiver(tmp_path / "other.log", **there) as other,
        start(tmp_path, [one.url, other.url]) as proxy,
        ExitStack() as stopping,
    ):
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=proxy.tls), timeout=aiohttp.ClientTimeout(30)
        ) as http:
            sender = Sender(http, proxy.url)
            await taken(Sender(http, proxy.url), large())
            async with sender.traffic(per_second=40):
                await asyncio.sleep(0.5)
                one.process.send_signal(signal.SIGKILL)
                await asyncio.to_thread(one.process.wait)
                await sender.recovered(time.monotonic() + 1, within=60)
                port = one.url.rpartition(":")[2]
                again = stack.receiver(tmp_path / "again.log", PORT=port, **there)
                await asyncio.to_thread(stopping.enter_context, again)
                await asyncio.sleep(2)  # the proxies look at a receiver that failed each second
                other.process.send_signal(signal.SIGKILL)
                await asyncio.to_thread(other.process.wait)
                await sender.recovered(time.monotonic() + 1, within=60)
            assert set(sender.statuses()) <= {200, 202} | in_flight
            invariants.kept(database, sender)
            forged = github.sample("push__branch")
            forged.headers["X-Forwarded-For"] = "203.0.113.9"
            forged.body += b" "
            assert (await sender.send(forged)).status == 403
            async with http.get(f"{proxy.url}/healthz") as response:
                assert response.status == 404
            async with http.get(f"{proxy.url}/readyz") as response:
                assert response.status == 200
    addresses = ledger.execute(database, "SELECT DISTINCT address FROM receiver_rejection")
    assert addresses == [("127.0.0.1",)]
