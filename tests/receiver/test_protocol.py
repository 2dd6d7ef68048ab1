"""The protocol's limits of size, time and number, over real sockets to a server in this process."""

import asyncio
import logging
import resource
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from receiver import connections, pipelining, protocol
from receiver import lingering as lingering_module
from receiver.connections import Connections, Stage
from receiver.protocol import LimitedHttpProtocol
from tests.receiver import raw

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
SOON = 0.2  # seconds: a stage's limit in these tests


class Application:
    """An application that answers when the test allows it, and counts. Only `reads` reads a body."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.answer = b"{}"
        self.reads = False
        self.begun = 0
        self.gone = 0

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
        self.begun += 1
        more = self.reads
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.gone += 1
                return
            more = message["more_body"]
        await self.may_answer.wait()
        length = str(len(self.answer)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        # The first write does not wait; the second waits for a sender that reads no answers.
        half = len(self.answer) // 2
        await send({"type": "http.response.body", "body": self.answer[:half], "more_body": True})
        await send({"type": "http.response.body", "body": self.answer[half:]})


class Server:
    """Run a server of the protocol in this process."""

    def __init__(self, application: Application, state: ServerState, url: str) -> None:
        self.application = application
        self.state = state
        self.url = url

    @property
    def connections(self) -> Connections:
        return connections.of(self.state, asyncio.get_running_loop(), 75)

    @property
    def stages(self) -> list[Stage]:
        return [each.stage for each in self.state.connections if isinstance(each, LimitedHttpProtocol)]


@asynccontextmanager
async def _serve() -> AsyncIterator[Server]:
    application, state, loop = Application(), ServerState(), asyncio.get_running_loop()
    config = Config(application, ws="none", lifespan="off", log_config=None, timeout_keep_alive=75)
    listener = await loop.create_server(lambda: LimitedHttpProtocol(config, state, {}), "127.0.0.1", 0)
    try:
        yield Server(application, state, f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
    finally:
        application.may_answer.set()
        listener.close()
        for each in list(state.connections):
            each.transport.abort()
        await until(lambda: not state.connections and not state.tasks)
        await listener.wait_closed()


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    monkeypatch.setattr(connections, "SWEEP_EVERY", SOON / 4)
    async with _serve() as served:
        yield served


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(raw.WITHIN):
        while not true():  # noqa: ASYNC110 - the protocol has no event for what is waited for
            await asyncio.sleep(0.01)


# Sizes


@pytest.mark.parametrize(
    ("start", "line"),
    [
        (b"GET / HTTP/1.1\r\n", b"a: b\r\n"),
        (b"GET / HTTP/1.1\r\nX-GitHub-Event: ", b"v"),
        (b"GET / HTTP/1.1\r\n", b"n"),
        (b"GET /", b"t"),
        (b"GET /?", b"q"),
        (b"", b"\r\n"),
    ],
    ids=["lines", "a value", "a name", "a path", "a query", "empty lines before it"],
)
async def test_a_head_without_end_is_431_and_ends_the_connection(
    server: Server, start: bytes, line: bytes
) -> None:
    told = await raw.exchange(server.url, [start, *[line * 1000] * 1000])
    # The end may overtake the answer, because the sender has not stopped yet.
    assert told == b"" or told.startswith(b"HTTP/1.1 431 ")
    assert server.application.begun == 0


@pytest.mark.parametrize("pieces", [1, 7])
async def test_a_whole_head_over_the_limit_is_431(server: Server, pieces: int) -> None:
    head = b"GET / HTTP/1.1\r\nX-Long: " + b"v" * protocol.MAX_HEAD + b"\r\n\r\n"
    size = len(head) // pieces + 1
    told = await raw.exchange(server.url, [head[at : at + size] for at in range(0, len(head), size)])
    assert told.startswith(b"HTTP/1.1 431 ")
    assert told.endswith(b'{"error": "the head is larger than 65536 bytes or 128 lines"}')
    assert server.application.begun == 0


@pytest.mark.parametrize("offer", [b"", b"Connection: upgrade\r\nUpgrade: h2c\r\n"], ids=["plain", "upgrade"])
async def test_a_head_of_too_many_lines_is_431(server: Server, offer: bytes) -> None:
    lines = b"a: b\r\n" * (protocol.MAX_FIELDS + 1)
    told = await raw.exchange(server.url, [b"GET / HTTP/1.1\r\n", offer, lines, b"\r\n"])
    assert told.startswith(b"HTTP/1.1 431 ")
    assert server.application.begun == 0


async def test_a_head_at_the_limit_is_served(server: Server) -> None:
    lines = b"a: b\r\n" * (protocol.MAX_FIELDS - 1)
    start = b"GET / HTTP/1.1\r\n" + lines + b"X-Long: "
    head = start + b"v" * (protocol.MAX_HEAD - len(start) - 4) + b"\r\n\r\n"
    async with raw.connected(server.url) as (reader, writer):
        for _ in range(2):
            writer.write(head)
            assert (await raw.answer(reader))[0] == 200


@pytest.mark.parametrize(
    "endless",
    [b"a: b\r\n", b"T: " + b"v" * 100, b"5;" + b"e" * 100],
    ids=["trailers", "a trailer", "an extension"],
)
async def test_what_stands_around_a_body_is_limited_like_a_head(server: Server, endless: bytes) -> None:
    server.application.reads = True
    last = b"" if endless.startswith(b"5;") else b"3\r\nabc\r\n0\r\n"
    start = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + last
    told = await raw.exchange(server.url, [start + endless, *[endless[-100:] * 100] * 1000])
    assert told == b"" or told.startswith(b"HTTP/1.1 431 ")
    await until(lambda: server.application.gone == 1)


async def test_many_small_chunks_are_no_long_head(server: Server) -> None:
    server.application.reads = True
    body = raw.chunks(b"x" * protocol.MAX_HEAD, 1)
    async with raw.connected(server.url) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
        assert (await raw.answer(reader))[0] == 200


# Pipelining


async def test_nothing_is_read_on_while_a_request_is_open(server: Server) -> None:
    server.application.may_answer.clear()
    async with raw.connected(server.url) as (reader, writer):
        writer.write(GET * 500)
        await until(lambda: server.connections.pipelined.size)
        assert server.application.begun == 1
        server.application.may_answer.set()
        for _ in range(500):
            assert (await raw.answer(reader))[0] == 200
    assert server.connections.pipelined.size == 0


@pytest.mark.parametrize("whose", ["of one connection", "of all"])
async def test_too_much_pipelined_ends_the_connection_with_the_answer(
    server: Server, whose: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "MAX_WAITING" if whose == "of one connection" else "MAX_PIPELINED"
    monkeypatch.setattr(pipelining, name, len(GET) * 10)
    server.application.may_answer.clear()
    async with raw.connected(server.url) as (reader, writer):
        writer.write(GET + GET * 11)
        await until(lambda: server.application.begun)
        server.application.may_answer.set()
        status, headers, _ = await raw.answer(reader)
        assert (status, headers["connection"]) == (200, "close")
        assert await raw.ended(reader) == b""
    assert server.application.begun == 1


async def test_what_was_pipelined_is_forgotten_with_its_connection(server: Server) -> None:
    server.application.may_answer.clear()
    async with raw.connected(server.url) as (_, writer):
        writer.write(GET * 100)
        await until(lambda: server.connections.pipelined.size)
        for each in list(server.state.connections):
            each.transport.abort()
        await until(lambda: not server.connections.pipelined.size)


async def test_a_sender_that_closes_its_half_after_the_request_gets_the_answer(server: Server) -> None:
    server.application.may_answer.clear()
    async with raw.connected(server.url) as (reader, writer):
        writer.write(GET)
        writer.write_eof()
        await until(lambda: server.application.begun)
        await asyncio.sleep(0.05)  # its end has arrived, too
        server.application.may_answer.set()
        status, headers, _ = await raw.answer(reader)
        assert (status, headers["connection"]) == (200, "close")
        assert await raw.ended(reader) == b""


async def test_an_answer_before_the_body_is_whole_ends_the_connection(server: Server) -> None:
    async with raw.connected(server.url) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n{")
        assert (await raw.answer(reader))[0] == 200
        assert await raw.ended(reader) == b""


async def test_a_malformed_chunk_is_400_and_the_application_learns_that_the_sender_has_gone(
    server: Server,
) -> None:
    server.application.reads = True
    start = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert (await raw.exchange(server.url, [start + b"zz\r\n"])).startswith(b"HTTP/1.1 400 ")
    await until(lambda: server.application.gone == 1)


CODINGS = [
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: gzip",
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding: ,chunked",
    b"Connection: upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: gzip, chunked",
]


@pytest.mark.parametrize("coding", CODINGS)
async def test_a_body_with_a_transfer_coding_other_than_chunked_is_501(server: Server, coding: bytes) -> None:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\n" + coding + b"\r\n\r\n"
    told = await raw.exchange(server.url, [head + raw.chunks(b"{}")])
    assert told.startswith(b"HTTP/1.1 501 ")
    assert told.endswith(b'{"error": "the only transfer coding is chunked"}')
    assert server.application.begun == 0


async def test_the_name_of_the_coding_chunked_has_any_case(server: Server) -> None:
    server.application.reads = True
    async with raw.connected(server.url) as (reader, writer):
        for name in (b"chunked", b"Chunked ", b"CHUNKED"):
            head = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: " + name + b"\r\n\r\n"
            writer.write(head + raw.chunks(b"{}"))
            assert (await raw.answer(reader))[0] == 200


# Deadlines


async def test_a_connection_without_a_byte_ends(server: Server) -> None:
    server.connections.within[Stage.HEAD] = SOON
    assert await raw.exchange(server.url, []) == b""


@pytest.mark.parametrize("before", [0, 1], ids=["first", "later"])
async def test_a_head_that_does_not_become_whole_is_408(server: Server, before: int) -> None:
    async with raw.connected(server.url) as (reader, writer):
        for _ in range(before):
            writer.write(GET)
            await raw.answer(reader)
        writer.write(GET[:20])
        server.connections.within[Stage.HEAD] = SOON
        status, headers, _ = await raw.answer(reader)
        assert (status, headers["connection"]) == (408, "close")
        assert await raw.ended(reader) == b""


async def test_an_idle_connection_outlives_the_limit_of_a_head_and_ends_at_its_own(server: Server) -> None:
    async with raw.connected(server.url) as (reader, writer):
        writer.write(GET)
        await raw.answer(reader)
        server.connections.within[Stage.HEAD] = SOON
        await asyncio.sleep(2 * SOON)
        writer.write(GET)
        assert (await raw.answer(reader))[0] == 200
        server.connections.within[Stage.IDLE] = SOON
        assert await raw.ended(reader) == b""


def test_the_limit_of_an_idle_connection_is_uvicorns_setting() -> None:
    config = Config(Application(), ws="none", lifespan="off", log_config=None, timeout_keep_alive=71)
    loop = asyncio.new_event_loop()
    state = ServerState()
    LimitedHttpProtocol(config, state, {}, loop)
    assert connections.of(state, loop, 5).within[Stage.IDLE] == 71
    loop.close()


async def test_a_sender_that_does_not_read_its_answer_is_cut_off(server: Server) -> None:
    server.connections.within[Stage.ANSWER] = SOON
    server.application.answer = b"x" * 50_000_000
    async with raw.connected(server.url) as (reader, writer):
        reader._transport.pause_reading()  # type: ignore[attr-defined] # there is no public way
        writer.write(GET)
        await until(lambda: server.application.begun)
        await until(lambda: not server.state.connections and not server.state.tasks)


# Lingering after an early answer

LARGE = b" " * (20 * 1024 * 1024)  # more than the buffers of both sockets
UNREAD = b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n{"


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


async def test_dropped_requests_do_not_cost_the_answer_before_them(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipelining, "MAX_WAITING", 1)
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


async def test_a_connection_does_not_linger_beyond_a_number_of_bytes(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("receiver.lingering.MAX_DISCARDED", 1_000_000)
    async with lingering(server) as (_, writer):
        writer.write(LARGE)
        await until(lambda: not server.state.connections)


async def test_a_lingering_connection_makes_room_before_any_other(server: Server) -> None:
    server.connections.limit = 2
    async with raw.connected(server.url) as (kept, kept_writer), lingering(server):
        async with raw.connected(server.url) as (reader, writer):
            writer.write(GET)
            assert (await raw.answer(reader))[0] == 200
        assert Stage.LINGER not in server.stages
        kept_writer.write(GET)
        assert (await raw.answer(kept))[0] == 200


async def test_a_lingering_connection_hardly_delays_the_end_of_the_process(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "LINGER_AT_EXIT", SOON)
    async with lingering(server):
        for each in list(server.state.connections):
            each.shutdown()
        await until(lambda: not server.state.connections)


async def test_all_connections_together_discard_at_one_rate() -> None:
    rate = lingering_module.Rate(asyncio.get_running_loop())
    pauses = [rate.pause(int(lingering_module.DISCARD_RATE)) for _ in range(3)]
    assert pauses == pytest.approx([1, 2, 3], abs=0.1)


# Numbers


async def test_the_oldest_connection_without_a_request_makes_room(server: Server) -> None:
    server.connections.limit = 3
    async with (
        raw.connected(server.url) as (kept_reader, kept_writer),
        raw.connected(server.url) as (oldest, _),
        raw.connected(server.url) as (newer, newer_writer),
    ):
        kept_writer.write(GET)
        await raw.answer(kept_reader)
        async with raw.connected(server.url) as (reader, writer):
            writer.write(GET)
            assert (await raw.answer(reader))[0] == 200
            assert await raw.ended(oldest) == b""
            for each, other in ((kept_reader, kept_writer), (newer, newer_writer)):
                other.write(GET)
                assert (await raw.answer(each))[0] == 200


async def test_an_idle_one_makes_room_when_all_had_requests(server: Server) -> None:
    server.connections.limit = 2
    async with (
        raw.connected(server.url) as (oldest, oldest_writer),
        raw.connected(server.url) as (newer, newer_writer),
    ):
        for each, other in ((oldest, oldest_writer), (newer, newer_writer)):
            other.write(GET)
            await raw.answer(each)
        async with raw.connected(server.url) as (reader, writer):
            writer.write(GET)
            assert (await raw.answer(reader))[0] == 200
            assert await raw.ended(oldest) == b""


async def test_an_incomplete_body_makes_room_before_anybody_is_refused(server: Server) -> None:
    server.connections.limit = 1
    server.application.reads = True
    async with raw.connected(server.url) as (stalled, stalled_writer):
        stalled_writer.write(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n{")
        await until(lambda: server.application.begun)
        async with raw.connected(server.url) as (reader, writer):
            writer.write(GET)
            assert (await raw.answer(reader))[0] == 200
        assert await raw.ended(stalled) == b""
    assert server.application.gone == 1


async def test_a_request_in_hand_is_never_cut_off_and_the_newcomer_is_503(server: Server) -> None:
    server.connections.limit = 1
    server.application.may_answer.clear()
    async with raw.connected(server.url) as (reader, writer):
        writer.write(GET)
        await until(lambda: server.application.begun)
        told = await raw.exchange(server.url, [])
        assert told.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nretry-after: 30\r\n" in told
        server.application.may_answer.set()
        assert (await raw.answer(reader))[0] == 200


async def test_connections_that_were_ended_are_logged_with_their_number_in_one_line(
    server: Server, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.WARNING, "receiver.connections")
    # The test itself looks, once all have ended.
    monkeypatch.setattr(connections, "SWEEP_EVERY", 600.0)
    server.connections.limit = 1
    async with raw.connected(server.url), raw.connected(server.url), raw.connected(server.url):
        assert (await raw.exchange(server.url, [b"?\r\n\r\n"])).startswith(b"HTTP/1.1 400 ")
        await until(lambda: not server.state.connections)
        server.connections._sweep()
    assert caplog.messages == ["connections ended answered_400=1 evicted_head=3 open=0 limit=1"]


@pytest.mark.parametrize(("files", "expected"), [(1024, 896), (256, 128), (64, 16), (1_000_000, 2000)])
def test_the_limit_lies_below_the_limit_of_open_files(
    files: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (files, files))
    assert connections.limit() == expected
