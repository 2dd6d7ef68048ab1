"""The limits of the console's connections, over real sockets to a server in this process."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from console.protocol import MAX_BODY, PlainHttpProtocol
from receiver.connections import Stage
from tests.receiver import raw
from tests.receiver.served import GET, SOON, Server, serving, until

POST = b"POST / HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving(PlainHttpProtocol) as served:
        yield served


async def test_slow_heads_and_bodies_end_as_those_of_the_receiver(server: Server) -> None:
    server.application.reads = True
    async with (
        raw.connected(server.url) as (of_head, head_writer),
        raw.connected(server.url) as (of_body, body_writer),
    ):
        head_writer.write(GET[:20])
        body_writer.write(POST + b"Content-Length: 9\r\n\r\n{")
        await until(lambda: server.application.begun)
        server.connections.within |= {Stage.HEAD: SOON, Stage.BODY: SOON}
        assert (await raw.answer(of_head))[0] == 408
        assert await raw.ended(of_body) == b""


async def test_a_page_may_take_longer_than_a_client(server: Server) -> None:
    server.connections.within[Stage.ANSWER] = SOON
    server.application.may_answer.clear()
    async with raw.connected(server.url) as (reader, writer):
        writer.write(GET)
        await until(lambda: server.application.begun)
        await asyncio.sleep(2 * SOON)
        server.application.may_answer.set()
        assert (await raw.answer(reader))[0] == 200


@pytest.mark.parametrize("more", ["", "Connection: close\r\n"], ids=["kept open", "closed after it"])
async def test_a_download_lasts_while_its_client_reads(server: Server, more: str) -> None:
    server.connections.within |= {Stage.ANSWER: SOON, Stage.IDLE: SOON}
    server.application.answer = b"x" * 40_000_000
    async with raw.connected(server.url) as (reader, writer):
        writer.write(GET[:-2] + more.encode() + b"\r\n")
        await reader.readuntil(b"\r\n\r\n")
        for _ in range(5):
            await reader.readexactly(6_000_000)
            await asyncio.sleep(SOON / 2)
        assert len(await reader.readexactly(10_000_000)) == 10_000_000
        assert await raw.ended(reader) == b""


@pytest.mark.parametrize("more", ["", "Connection: close\r\n"], ids=["kept open", "closed after it"])
async def test_a_client_that_does_not_read_is_cut_off(server: Server, more: str) -> None:
    server.connections.within |= {Stage.ANSWER: SOON, Stage.IDLE: SOON}
    server.application.answer = b"x" * 40_000_000
    async with raw.connected(server.url) as (reader, writer):
        reader._transport.pause_reading()  # type: ignore[attr-defined] # there is no public way
        writer.write(GET[:-2] + more.encode() + b"\r\n")
        await until(lambda: server.application.begun)
        await until(lambda: not server.state.connections and not server.state.tasks)


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
async def test_a_body_without_end_is_413(server: Server, chunked: bool) -> None:
    server.application.reads = True
    body = b"x" * (MAX_BODY + 1)
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % (100 * len(body))
    pieces = [POST, framing, b"\r\n\r\n", raw.chunks(body, 1_000_000) if chunked else body]
    answer = await raw.exchange(server.url, [b"".join(pieces)])
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert server.application.gone == 1


async def test_a_browser_that_left_ends_its_request(server: Server) -> None:
    server.application.may_answer.clear()
    async with raw.connected(server.url) as (reader, writer):
        writer.write(GET)
        await until(lambda: server.application.begun)
        writer.write_eof()
        assert await raw.ended(reader) == b""
