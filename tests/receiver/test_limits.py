"""Limits of size and time over real sockets: the receiver refuses a request without reading its rest."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from io import BytesIO
from urllib.parse import quote_plus

import aiohttp
import pytest

from receiver.models import Delivery
from tests import github
from tests.receiver import raw

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

WITHIN = raw.WITHIN


async def test_a_body_over_the_limit_is_413_before_it_is_sent(receiver_url: str) -> None:
    async with raw.connected(receiver_url) as (reader, writer):
        writer.write(
            b"POST /webhooks/github HTTP/1.1\r\nHost: localhost\r\nContent-Length: 26214401\r\n\r\n{"
        )
        answer = await asyncio.wait_for(reader.read(), WITHIN)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'{"error": "the body is larger than 26214400 bytes"}' in answer
    assert await Delivery.objects.acount() == 0


async def test_a_body_that_grows_over_the_limit_is_413_without_a_content_length(receiver_url: str) -> None:
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    async with raw.connected(receiver_url) as (reader, writer):
        writer.write(
            b"POST /webhooks/github HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        )

        async def send() -> None:
            for _ in range(26):
                writer.write(chunk)
                await writer.drain()

        sending = asyncio.create_task(send())
        answer = await asyncio.wait_for(reader.read(200), WITHIN)
        sending.cancel()
        await asyncio.wait([sending])
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(("path", "status"), [("/healthz", 405), ("/webhooks/gitlab", 404), ("/", 405)])
async def test_a_large_body_to_anything_else_is_refused_and_not_spooled(
    path: str, status: int, receiver_url: str
) -> None:
    async with raw.connected(receiver_url) as (reader, writer):
        writer.write(
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000000\r\n\r\n".encode()
        )
        writer.write(b" " * (2 * 1024 * 1024))
        answer = await asyncio.wait_for(reader.read(200), WITHIN)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())


async def stalled(url: str, method: str, path: str, length: str) -> tuple[int, dict[str, str], bytes, bytes]:
    """Send a request whose body stops after one byte; return the answer and what followed it."""
    async with raw.connected(url) as (reader, writer):
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{length}\r\n\r\n".encode())
        return *(await raw.answer(reader)), await raw.ended(reader)


@pytest.mark.parametrize(
    "length", ["Content-Length: 1000", "Content-Length: 1000000", "Transfer-Encoding: chunked"]
)
@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz/"])
async def test_a_delivery_to_a_page_is_405_unread(path: str, length: str, receiver_url: str) -> None:
    status, headers, body, after = await stalled(receiver_url, "POST", path, length)
    assert (status, headers["allow"], headers["connection"], after) == (405, "GET, HEAD", "close", b"")
    assert body == b'{"error": "deliveries go to /webhooks/github"}'


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz"])
async def test_a_page_can_only_be_read(path: str, receiver_url: str) -> None:
    async with raw.connected(receiver_url) as (reader, writer):
        for method in ("DELETE", "OPTIONS", "POST", "PUT", "TRACE"):
            writer.write(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            status, headers, _ = await raw.answer(reader)
            assert (method, status, headers["allow"]) == (method, 405, "GET, HEAD")


async def test_a_body_of_a_get_is_not_read(receiver_url: str) -> None:
    status, headers, _, after = await stalled(receiver_url, "GET", "/healthz", "Content-Length: 1000000")
    assert (status, headers["connection"], after) == (200, "close", b"")


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/webhook"])
async def test_an_answer_to_http_1_0_is_not_chunked(path: str, receiver_url: str) -> None:
    told = await raw.exchange(receiver_url, [f"GET {path} HTTP/1.0\r\n\r\n".encode()])
    head, _, body = told.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head.lower()
    assert f"content-length: {len(body)}".encode() in head.lower()


async def test_a_delivery_to_a_path_that_is_none_is_404_unread(receiver_url: str) -> None:
    status, headers, body, after = await stalled(receiver_url, "POST", "/webhook", "Content-Length: 9000")
    assert (status, headers["connection"], after) == (404, "close", b"")
    assert b"/webhooks/github" in body


async def test_a_body_of_another_method_is_405_unread(receiver_url: str) -> None:
    status, _, _, after = await stalled(receiver_url, "PUT", "/webhooks/github", "Content-Length: 1000")
    assert (status, after) == (405, b"")


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
MIB = 1024 * 1024


@asynccontextmanager
async def stopping(url: str, announced: int, sent: int, count: int) -> AsyncIterator[list[Connection]]:
    """Connect `count` senders that announce many bytes and stop after some."""
    head = (
        f"POST /webhooks/github HTTP/1.1\r\nHost: localhost\r\nContent-Length: {announced}\r\n\r\n".encode()
    )

    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(head + b" " * sent)
        with contextlib.suppress(OSError):  # it was told to give way
            await writer.drain()

    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(raw.connected(url)) for _ in range(count)]
        sending = [asyncio.create_task(send(writer)) for _, writer in opened]
        try:
            yield opened
        finally:
            for task in sending:
                task.cancel()
            await asyncio.gather(*sending, return_exceptions=True)


async def at_rest(connections: list[Connection]) -> None:
    """Wait until the receiver has read nothing of these for half a second."""
    before: list[int] = []
    async with asyncio.timeout(WITHIN):
        while (left := [writer.transport.get_write_buffer_size() for _, writer in connections]) != before:
            before = left
            await asyncio.sleep(0.5)


async def pushed(http: aiohttp.ClientSession, url: str, size: int) -> int:
    """Send a push of about this many bytes; return the status."""
    payload = {**github.payload("push__branch"), "fill": "x" * size}
    request = github.request("push", payload)
    async with http.post(
        f"{url}/webhooks/github", data=BytesIO(request.body), headers=request.headers
    ) as response:
        return response.status


async def test_senders_that_announce_much_and_stop_take_no_memory_and_get_408(
    receiver_url: str, http: aiohttp.ClientSession
) -> None:
    async with (
        stopping(receiver_url, 25 * MIB, 65 * 1024, count=2) as large,
        stopping(receiver_url, 100, 1, count=1) as small,
    ):
        head = f"POST /webhooks/github HTTP/1.1\r\nHost: x\r\nContent-Length: {25 * MIB}\r\n\r\n".encode()
        pieces = [head, *[b" " * 1000] * 9, b" " * 20 * MIB]
        slow = asyncio.create_task(asyncio.to_thread(raw.read_last, receiver_url, pieces, pause=0.8))
        for size in (95_000, 2_000_000):
            assert {await pushed(http, receiver_url, size) for _ in range(6)} == {202}
        # Without competition they have seven seconds.
        answers = [await asyncio.wait_for(reader.read(), WITHIN) for reader, _ in (*large, *small)]
        answers.append(await slow)
    assert [answer[:13] for answer in answers] == [b"HTTP/1.1 408 "] * 4


async def test_senders_that_stop_with_all_the_room_give_way_to_others(
    receiver_url: str, http: aiohttp.ClientSession
) -> None:
    async with stopping(receiver_url, 25 * MIB, 25 * MIB - 1, count=4) as connections:
        await at_rest(connections)  # they hold what they can
        answers = [asyncio.create_task(reader.read()) for reader, _ in connections]
        assert {await pushed(http, receiver_url, size) for size in (95_000, 2_000_000)} == {202}
        told, later = await asyncio.wait(answers, timeout=WITHIN, return_when=asyncio.FIRST_COMPLETED)
        assert {answer.result()[:13] for answer in told} == {b"HTTP/1.1 408 "}
        for answer in later:
            answer.cancel()
        await asyncio.gather(*later, return_exceptions=True)


async def test_a_form_of_the_largest_json_is_taken_however_it_is_escaped(
    receiver_url: str, http: aiohttp.ClientSession
) -> None:
    # Escaped piece by piece: it takes seconds to escape the whole.
    begin, fill, end = map(quote_plus, ('{"fill": "', '\\"', '"}'))
    request = github.request("push", f"payload={begin}{fill * ((25 * MIB - 12) // 2)}{end}".encode())
    request.headers["Content-Type"] = "application/x-www-form-urlencoded"
    assert len(request.body) > 70 * MIB
    url = f"{receiver_url}/webhooks/github"
    status = 503
    async with asyncio.timeout(WITHIN):
        # On a busy machine it may not be stored before GitHub gives up.
        while status == 503:
            async with http.post(url, data=BytesIO(request.body), headers=request.headers) as response:
                status = response.status
    assert status in {200, 202}
    assert (await Delivery.objects.aget()).body == request.body
