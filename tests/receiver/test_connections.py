"""How long connections may last and how many there may be, over real sockets to a server in this process."""

import asyncio
import logging
import resource

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from receiver import connections
from receiver.connections import Stage
from receiver.protocol import LimitedHttpProtocol
from tests.receiver import raw
from tests.receiver.served import GET, SOON, Application, Server, until

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
        stalled_writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
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
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "receiver.connections")
    # The test itself looks, once all have ended.
    server.connections.sweep_every = 600.0
    server.connections.limit = 1
    async with raw.connected(server.url), raw.connected(server.url), raw.connected(server.url):
        assert (await raw.exchange(server.url, [b"?\r\n\r\n"])).startswith(b"HTTP/1.1 400 ")
        await until(lambda: not server.state.connections)
        server.connections._sweep()
    assert caplog.messages == ["connections ended answered_400=1 evicted_head=3 open=0 limit=1"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [(1024, 896), (256, 128), (64, 16), (1_000_000, 2000), (resource.RLIM_INFINITY, 2000)],
)
def test_the_limit_lies_below_the_limit_of_open_files(files: int, expected: int) -> None:
    assert connections.limit(files) == expected
