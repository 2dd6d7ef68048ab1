"""Proxies in front of the receiver, and several hosts of its database."""

import asyncio
import signal
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from django.db import connection
from django.db.models import QuerySet

from receiver.models import Delivery, Rejection
from tests import github, processes
from tests.servers import SECRET

pytestmark = pytest.mark.django_db(transaction=True)

WITHIN = processes.PATIENCE


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


async def send(
    http: aiohttp.ClientSession, url: str, secret: str = SECRET, source: str = "", **more: str
) -> aiohttp.ClientResponse:
    sent = github.sample("push__branch", secret=secret)
    async with http.post(
        f"{url}/webhooks/github{source}", data=sent.body, headers={**sent.headers, **more}
    ) as answer:
        return answer


async def there_is(rows: "QuerySet[Any]") -> None:
    async with asyncio.timeout(WITHIN):
        while not await rows.aexists():  # noqa: ASYNC110 - another process writes them
            await asyncio.sleep(0.05)


@pytest.mark.once
@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ({}, "127.0.0.1"),
        ({"X-Forwarded-For": "192.0.2.7"}, "192.0.2.7"),
        ({"X-Forwarded-For": ""}, "127.0.0.1"),
    ],
)
async def test_a_rejection_has_the_address_from_the_proxys_header_or_else_the_peers(
    headers: dict[str, str], address: str, http: aiohttp.ClientSession, receiver_url: str
) -> None:
    assert (await send(http, receiver_url, **headers)).status == 202
    refused = await send(http, receiver_url, secret="a wrong secret", source="/proxied", **headers)
    assert refused.status == 403
    # The receiver is shared: it may write what another test caused only now, but never with this source.
    await there_is(Rejection.objects.filter(source="proxied"))
    assert (await Rejection.objects.aget(source="proxied")).address == address


@pytest.mark.once
@pytest.mark.parametrize("segments", [1, 2])
async def test_a_signature_in_the_trailers_of_a_chunked_body_is_taken(
    segments: int, receiver_url: str
) -> None:
    sent = github.sample("push__branch")
    trailer = f"X-Hub-Signature-256: {sent.headers.pop('X-Hub-Signature-256')}\r\n"
    headers = {**sent.headers, "Host": "localhost", "Transfer-Encoding": "chunked"}
    head = "POST /webhooks/github HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items())
    begin = f"{head}\r\n{len(sent.body):x}\r\n".encode() + sent.body + b"\r\n"
    end = f"0\r\n{trailer}\r\n".encode()
    parts = urlsplit(receiver_url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    async with asyncio.timeout(WITHIN):
        for segment in [begin + end] if segments == 1 else [begin, end]:
            writer.write(segment)
            await writer.drain()
            await asyncio.sleep(0.1)  # so that the receiver reads it separately
        assert (await reader.readline()).split()[1] == b"202"
    writer.close()
    await writer.wait_closed()


@pytest.mark.once
@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
async def test_the_receiver_listens_on_ipv6_where_uvicorn_host_says_so(
    http: aiohttp.ClientSession, database_url: str, tmp_path: Path
) -> None:
    port, log = processes.free_port(), tmp_path / "web.log"
    there = {"DATABASE_URL": database_url, "UVICORN_HOST": "::", "PORT": str(port)}
    with processes.running(processes.PROCFILE["web"], log, **there) as process:
        await asyncio.to_thread(
            processes.wait_until, lambda: "Uvicorn running" in log.read_text(), "the receiver is up"
        )
        assert (await send(http, f"http://[::1]:{port}")).status == 202
        assert processes.stop(process, signal.SIGTERM) in (0, -signal.SIGTERM)


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no hosts")
async def test_of_several_hosts_the_one_that_takes_writes_is_used(
    http: aiohttp.ClientSession, database_url: str, tmp_path: Path
) -> None:
    away = f"127.0.0.1,{connection.settings_dict['OPTIONS']['host']}&port={processes.free_port()},5432"
    url = f"{database_url.partition('?')[0]}?host={away}&target_session_attrs=read-write"
    log = tmp_path / "worker.log"
    with (
        processes.receiver(tmp_path / "web.log", DATABASE_URL=url) as receiver,
        processes.worker(log, DATABASE_URL=url),
    ):
        assert (await send(http, receiver)).status == 202
        await there_is(Delivery.objects.filter(status="succeeded"))
