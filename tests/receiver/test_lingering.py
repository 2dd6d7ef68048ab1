"""A sender that reads only after it has sent everything gets every answer, however early it comes.

Its connection lingers after the answer, within limits of time, bytes and number.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import pytest

from receiver.connections import Stage
from receiver.lingering import DISCARD_RATE, MAX_DISCARDED, Rate
from receiver.pipelining import MAX_PIPELINED
from tests.receiver import raw
from tests.receiver.served import GET, SOON, Server, until

MIB = 1024 * 1024
LARGE = b" " * (26 * MIB)  # over the limit of a body, and more than the buffers of both sockets
START = "POST /webhooks/github HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n\r\n"


EARLY = {
    "413 of an announced length": ("413", START + f"Content-Length: {len(LARGE)}\r\n\r\n"),
    "413 of a chunked body": ("413", START + CHUNKED + f"{len(LARGE):x}\r\n"),
    "405 of a page": (
        "405",
        START.replace("/webhooks/github", "/healthz") + f"Content-Length: {len(LARGE)}\r\n\r\n",
    ),
    "413 of a form": (
        "413",
        START + "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 99999999\r\n\r\n",
    ),
    "404": ("404", f"POST /webhook HTTP/1.1\r\nHost: localhost\r\nContent-Length: {MIB}\r\n\r\n"),
    "405": ("405", START.replace("POST", "PUT") + f"Content-Length: {len(LARGE)}\r\n\r\n"),
    "405 of a closing sender": (
        "405",
        START.replace("POST", "PUT") + f"Connection: close\r\nContent-Length: {len(LARGE)}\r\n\r\n",
    ),
    "431 of a long field": ("431", START + f"X-Long: {'v' * 70_000}\r\n\r\n"),
    "431 of many lines": ("431", START + "a: b\r\n" * 200 + f"Content-Length: {len(LARGE)}\r\n\r\n"),
    "400 of a head": ("400", "POST\r\n\r\n"),
    "400 of a chunk": ("400", START + CHUNKED + "zz\r\n"),
}


@pytest.mark.once
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("status", "head"), EARLY.values(), ids=EARLY)
async def test_an_early_answer_reaches_a_sender_that_reads_last(
    status: str, head: str, receiver_url: str
) -> None:
    told = await asyncio.to_thread(raw.read_last, receiver_url, [head.encode(), LARGE])
    assert told.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"\r\nconnection: close\r\n" in told.lower()
    assert told.endswith(b"}")


UNREAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n{"


@asynccontextmanager
async def lingering(server: Server) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect a sender that is answered before its body is read, and that keeps the connection open."""
    async with raw.connected(server.url) as (reader, writer):
        writer.write(UNREAD)
        assert (await raw.answer(reader))[0] == 200
        await until(lambda: Stage.LINGER in server.stages)
        yield reader, writer


async def test_the_408_of_a_head_reaches_a_sender_that_reads_last(server: Server) -> None:
    sent, answered = threading.Event(), threading.Event()

    def pieces() -> Iterator[bytes]:
        yield GET[:20]
        sent.set()
        answered.wait(raw.WITHIN)
        yield LARGE

    telling = asyncio.create_task(asyncio.to_thread(raw.read_last, server.url, pieces()))
    await until(sent.is_set)
    server.connections.within[Stage.HEAD] = SOON
    await until(lambda: Stage.LINGER in server.stages)
    answered.set()
    assert (await telling).startswith(b"HTTP/1.1 408 ")


async def test_the_503_of_a_newcomer_reaches_a_sender_that_reads_last(server: Server) -> None:
    server.connections.limit = 1
    server.application.may_answer.clear()
    async with raw.connected(server.url) as (_, writer):
        writer.write(GET)
        await until(lambda: server.application.begun)
        told = await asyncio.to_thread(raw.read_last, server.url, [UNREAD, LARGE])
    assert told.startswith(b"HTTP/1.1 503 ")


async def test_a_refused_newcomer_that_lingers_makes_no_room_for_the_next(server: Server) -> None:
    server.connections.limit = 1
    server.application.may_answer.clear()
    async with raw.connected(server.url) as (_, writer):
        writer.write(GET)
        await until(lambda: server.application.begun)
        for _ in range(3):
            async with raw.connected(server.url) as (reader, _):
                assert (await raw.answer(reader))[0] == 503


async def test_dropped_requests_do_not_cost_the_answer_before_them(server: Server) -> None:
    server.connections.pipelined.size = MAX_PIPELINED  # what other connections keep
    told = await asyncio.to_thread(raw.read_last, server.url, [GET + GET, LARGE])
    assert told.startswith(b"HTTP/1.1 200 ")


async def test_the_answer_of_a_sender_that_wants_the_connection_closed_ends_it_at_once(
    server: Server,
) -> None:
    async with raw.connected(server.url) as (reader, writer):
        writer.write(GET.replace(b"Host", b"Connection: close\r\nHost"))
        assert (await raw.answer(reader))[0] == 200
        await until(lambda: not server.state.connections)


async def test_a_connection_does_not_linger_beyond_its_deadline(server: Server) -> None:
    server.connections.within[Stage.LINGER] = SOON
    async with lingering(server):
        await until(lambda: not server.state.connections)


async def test_a_connection_does_not_linger_beyond_a_number_of_bytes(server: Server) -> None:
    server.connections.within[Stage.LINGER] = 600.0
    sent = 0
    async with lingering(server) as (_, writer):
        with suppress(OSError):  # it has ended
            while server.state.connections:
                writer.write(LARGE)
                await writer.drain()
                sent += len(LARGE)
    assert sent >= MAX_DISCARDED - len(LARGE)


async def test_a_lingering_connection_makes_room_before_any_other(server: Server) -> None:
    server.connections.limit = 2
    async with raw.connected(server.url) as (kept, kept_writer), lingering(server):
        async with raw.connected(server.url) as (reader, writer):
            writer.write(GET)
            assert (await raw.answer(reader))[0] == 200
        assert Stage.LINGER not in server.stages
        kept_writer.write(GET)
        assert (await raw.answer(kept))[0] == 200


async def test_a_lingering_connection_hardly_delays_the_end_of_the_process(server: Server) -> None:
    server.connections.within[Stage.LINGER] = 600.0
    async with lingering(server):
        for each in list(server.state.connections):
            each.shutdown()
        await until(lambda: not server.state.connections)


async def test_all_connections_together_discard_at_one_rate() -> None:
    rate = Rate(asyncio.get_running_loop())
    pauses = [rate.pause(int(DISCARD_RATE)) for _ in range(3)]
    assert pauses == pytest.approx([1, 2, 3], abs=0.1)
