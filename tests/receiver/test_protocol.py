"""What the protocol reads of a request, over real sockets: sizes, codings, and pipelined requests."""

import asyncio

import pytest

from receiver import faults
from receiver.pipelining import MAX_PIPELINED, MAX_WAITING, Pipelined, Waiting
from tests.receiver import raw
from tests.receiver.served import GET, Server, until

# Sizes


@pytest.mark.parametrize(
    ("start", "line"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n", b"a: b\r\n"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX-GitHub-Event: ", b"v"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n", b"n"),
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
    head = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"v" * faults.MAX_HEAD + b"\r\n\r\n"
    size = len(head) // pieces + 1
    told = await raw.exchange(server.url, [head[at : at + size] for at in range(0, len(head), size)])
    assert told.startswith(b"HTTP/1.1 431 ")
    assert told.endswith(b'{"error": "the head is larger than 65536 bytes or 128 lines"}')
    assert server.application.begun == 0


@pytest.mark.parametrize("offer", [b"", b"Connection: upgrade\r\nUpgrade: h2c\r\n"], ids=["plain", "upgrade"])
async def test_a_head_of_too_many_lines_is_431(server: Server, offer: bytes) -> None:
    lines = b"a: b\r\n" * (faults.MAX_FIELDS + 1)
    told = await raw.exchange(server.url, [b"GET / HTTP/1.1\r\nHost: localhost\r\n", offer, lines, b"\r\n"])
    assert told.startswith(b"HTTP/1.1 431 ")
    assert server.application.begun == 0


async def test_a_head_at_the_limit_is_served(server: Server) -> None:
    lines = b"a: b\r\n" * (faults.MAX_FIELDS - 2)
    start = b"GET / HTTP/1.1\r\nHost: localhost\r\n" + lines + b"X-Long: "
    head = start + b"v" * (faults.MAX_HEAD - len(start) - 4) + b"\r\n\r\n"
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
    start = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + last
    told = await raw.exchange(server.url, [start + endless, *[endless[-100:] * 100] * 1000])
    assert told == b"" or told.startswith(b"HTTP/1.1 431 ")
    await until(lambda: server.application.gone == 1)


async def test_many_small_chunks_are_no_long_head(server: Server) -> None:
    server.application.reads = True
    body = raw.chunks(b"x" * faults.MAX_HEAD, 1)
    async with raw.connected(server.url) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
        assert (await raw.answer(reader))[0] == 200


@pytest.mark.parametrize(
    ("version", "hosts", "status"),
    [
        ("1.1", [], 400),
        ("1.1", ["localhost", "localhost"], 400),
        ("1.0", ["localhost", "localhost"], 400),
        ("1.1", ["local host"], 400),
        ("1.1", ["localhost/"], 400),
        ("1.1", [""], 200),
        ("1.1", ["[::1]:8000"], 200),
        ("1.0", [], 200),
    ],
)
async def test_a_request_names_one_host(server: Server, version: str, hosts: list[str], status: int) -> None:
    lines = [f"GET / HTTP/{version}", *(f"Host: {host}" for host in hosts), "", ""]
    async with raw.connected(server.url) as (reader, writer):
        writer.write("\r\n".join(lines).encode())
        answer = await raw.answer(reader)
        assert answer[0] == status
        assert status == 200 or answer[2] == b'{"error": "the request must have one Host"}'
    assert server.application.begun == (status == 200)


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


async def test_too_much_pipelined_ends_the_connection_with_the_answer(server: Server) -> None:
    server.connections.pipelined.size = MAX_PIPELINED - len(GET) * 10  # what other connections keep
    server.application.may_answer.clear()
    async with raw.connected(server.url) as (reader, writer):
        writer.write(GET + GET * 11)
        await until(lambda: server.application.begun)
        server.application.may_answer.set()
        status, headers, _ = await raw.answer(reader)
        assert (status, headers["connection"]) == (200, "close")
        assert await raw.ended(reader) == b""
    assert server.application.begun == 1


def test_one_connection_keeps_one_read_of_pipelined_bytes() -> None:
    pipelined = Pipelined()
    waiting = Waiting(pipelined)
    assert waiting.add(b"x" * MAX_WAITING)
    assert not waiting.add(b"x")
    assert (pipelined.size, pipelined.connections) == (MAX_WAITING, 1)


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
    start = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert (await raw.exchange(server.url, [start + b"zz\r\n"])).startswith(b"HTTP/1.1 400 ")
    await until(lambda: server.application.gone == 1)


async def test_a_length_of_more_digits_than_python_reads_is_400(server: Server) -> None:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %b2\r\n\r\n" % (b"0" * 5000)
    assert (await raw.exchange(server.url, [head + b"{}"])).startswith(b"HTTP/1.1 400 ")
    assert server.application.begun == 0


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
