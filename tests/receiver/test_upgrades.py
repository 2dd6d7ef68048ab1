"""Senders that offer another protocol are served in this one: RFC 9110, section 7.8."""

import asyncio

import pytest

from receiver.models import Delivery
from tests import github
from tests.receiver import raw

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

OFFERS: dict[str, list[str]] = {
    "h2c, as Java's client offers it": [
        "Connection: Upgrade, HTTP2-Settings",
        "Upgrade: h2c",
        "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
    ],
    "a WebSocket": [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ],
    "a WebSocket in capitals": ["CONNECTION: UPGRADE", "UPGRADE: WebSocket"],
    "among other options": ["Connection: keep-alive, Upgrade", "Upgrade: h2c"],
    "in two lines": ["Connection: keep-alive", "Connection: upgrade", "Upgrade: h2c", "Upgrade: TLS/1.0"],
    "a list": ["Connection: upgrade", "Upgrade: HTTP/2.0, SHTTP/1.3, IRC/6.9"],
    "without the option": ["Upgrade: h2c"],
    "without the field": ["Connection: upgrade"],
    "empty": ["Connection: upgrade", "Upgrade:"],
}


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("offer", OFFERS)
async def test_a_delivery_that_offers_an_upgrade_is_accepted_whole(
    offer: str, chunked: bool, receiver_url: str
) -> None:
    request = github.sample("push__branch")
    body = raw.chunks(request.body) if chunked else request.body
    async with raw.connected(receiver_url) as (reader, writer):
        writer.write(raw.head(request, *OFFERS[offer], chunked=chunked) + body)
        status, headers, _ = await raw.answer(reader)
    assert status == 202
    assert "upgrade" not in headers
    assert (await Delivery.objects.aget()).body == request.body


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
async def test_its_connection_takes_further_deliveries(chunked: bool, receiver_url: str) -> None:
    async with raw.connected(receiver_url) as (reader, writer):
        for offer in ([], OFFERS["h2c, as Java's client offers it"], OFFERS["a WebSocket"], []):
            request = github.sample("push__branch")
            body = raw.chunks(request.body) if chunked else request.body
            writer.write(raw.head(request, *offer, chunked=chunked) + body)
            assert (await raw.answer(reader))[0] == 202
    assert await Delivery.objects.acount() == 4


async def test_its_body_may_come_long_after_its_head(receiver_url: str) -> None:
    request = github.sample("push__branch")
    async with raw.connected(receiver_url) as (reader, writer):
        head = raw.head(request, *OFFERS["h2c, as Java's client offers it"])
        for piece in (head[:60], head[60:], request.body[:10], request.body[10:]):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.05)  # each in a segment of its own
        assert (await raw.answer(reader))[0] == 202


async def test_a_sender_may_wait_for_100_continue(receiver_url: str) -> None:
    request = github.sample("push__branch")
    async with raw.connected(receiver_url) as (reader, writer):
        writer.write(raw.head(request, *OFFERS["h2c, as Java's client offers it"], "Expect: 100-continue"))
        assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30) == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(request.body)
        assert (await raw.answer(reader))[0] == 202


async def test_an_offer_in_http_1_0_is_ignored_like_any_other_and_so_is_expect(receiver_url: str) -> None:
    request = github.sample("push__branch")
    async with raw.connected(receiver_url) as (reader, writer):
        lines = [*OFFERS["h2c, as Java's client offers it"], "Expect: 100-continue"]
        writer.write(raw.head(request, *lines, version="1.0"))
        await asyncio.sleep(0.05)  # the receiver waits for the body
        writer.write(request.body)
        assert (await raw.answer(reader))[0] == 202


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/webhooks/github", 405),
        ("/webhooks/github/", 405),
        ("/webhooks/github/acme", 405),
        ("/healthz", 200),
        ("/readyz", 200),
        ("/webhooks/gitlab", 404),
        ("/", 200),
    ],
)
async def test_a_websocket_handshake_is_answered_as_the_get_that_it_is(
    path: str, status: int, receiver_url: str
) -> None:
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", *OFFERS["a WebSocket"], "", ""]
    async with raw.connected(receiver_url) as (reader, writer):
        writer.write("\r\n".join(lines).encode())
        found, headers, _ = await raw.answer(reader)
    assert found == status
    assert headers.get("allow") == ("POST" if status == 405 else None)


@pytest.mark.parametrize(
    "start",
    [
        b"CONNECT localhost:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=["a tunnel", "HTTP/2 at once", "TLS"],
)
async def test_what_is_no_request_of_http_1_is_400_and_ends_the_connection(
    start: bytes, receiver_url: str
) -> None:
    told = await raw.exchange(receiver_url, [start])
    assert told.startswith(b"HTTP/1.1 400 ")
    assert told.endswith(b'{"error": "not an HTTP request"}')
