"""Limits of size and time, over real sockets: what is over them is refused without being read on."""

import asyncio

import pytest

from receiver.models import Delivery

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


async def test_a_body_that_does_not_come_in_time_is_408(receiver_url: str) -> None:
    port = int(receiver_url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /webhooks/github HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 408 ")
