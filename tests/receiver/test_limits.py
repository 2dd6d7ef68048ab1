"""Limits of size and time, over real sockets: what is over them is refused without being read on."""

import asyncio

import pytest

from receiver.models import Delivery
from tests.receiver import raw

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_body_over_the_limit_is_413_before_it_is_sent(receiver_url: str) -> None:
    port = int(receiver_url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /webhooks/github HTTP/1.1\r\nHost: localhost\r\nContent-Length: 26214401\r\n\r\n{")
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'{"error": "the body is larger than 26214400 bytes"}' in answer
    assert await Delivery.objects.acount() == 0


async def test_a_body_that_grows_over_the_limit_is_413_without_a_content_length(receiver_url: str) -> None:
    port = int(receiver_url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /webhooks/github HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"

    async def send() -> None:
        for _ in range(26):
            writer.write(chunk)
            await writer.drain()

    sending = asyncio.create_task(send())
    answer = await asyncio.wait_for(reader.read(200), 10)
    sending.cancel()
    await asyncio.wait([sending])
    writer.close()
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("path", ["/healthz", "/webhooks/gitlab", "/"])
async def test_a_large_body_to_anything_else_is_413_and_not_spooled(path: str, receiver_url: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(receiver_url.rpartition(":")[2]))
    writer.write(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000000\r\n\r\n".encode())
    writer.write(b" " * (2 * 1024 * 1024))
    answer = await asyncio.wait_for(reader.read(200), 10)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 413 ")


async def stalled(url: str, method: str, path: str, length: str) -> tuple[int, dict[str, str], bytes, bytes]:
    """The answer to a request whose body stops after one byte, and what came after the answer."""
    async with raw.connected(url) as (reader, writer):
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{length}\r\n\r\n".encode())
        return *(await raw.answer(reader)), await raw.ended(reader)


@pytest.mark.parametrize(
    "length", ["Content-Length: 1000", "Content-Length: 1000000", "Transfer-Encoding: chunked"]
)
@pytest.mark.parametrize("path", ["/healthz", "/readyz/"])
async def test_a_body_where_none_is_needed_is_413_unread(path: str, length: str, receiver_url: str) -> None:
    status, headers, body, after = await stalled(receiver_url, "POST", path, length)
    assert (status, headers["connection"], after) == (413, "close", b"")
    assert body == b'{"error": "no body is taken here"}'


async def test_a_delivery_to_a_path_that_is_none_is_404_unread(receiver_url: str) -> None:
    status, headers, body, after = await stalled(receiver_url, "POST", "/webhook", "Content-Length: 9000")
    assert (status, headers["connection"], after) == (404, "close", b"")
    assert b"/webhooks/github" in body


async def test_a_body_of_another_method_is_405_unread(receiver_url: str) -> None:
    status, _, _, after = await stalled(receiver_url, "PUT", "/webhooks/github", "Content-Length: 1000")
    assert (status, after) == (405, b"")


async def test_a_body_that_does_not_come_in_time_is_408(receiver_url: str) -> None:
    port = int(receiver_url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /webhooks/github HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 408 ")
