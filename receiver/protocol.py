"""uvicorn's HTTP/1.1 protocol with limits on what it reads before a signature is verified.

uvicorn parses all that it has read: one read of pipelined requests starts thousands of tasks, and a head may
have any length. This protocol feeds the parser up to the end of one request. A head and a chunked body end
with an empty line; any other body has a length. Later bytes stay unparsed, and reading pauses, until the
answer is written. receiver/connections.py limits time and numbers, and receiver/lingering.py ends connections
whose sender may be sending.
"""

import asyncio
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.server import ServerState

from receiver import connections, faults
from receiver.connections import Stage
from receiver.faults import MAX_FIELDS, MAX_HEAD, FaultError
from receiver.framing import EmptyLines
from receiver.lingering import CycleTransport, Lingering
from receiver.pipelining import Waiting
from receiver.upgrades import CLOSE, WithoutUpgrade

# The ASGI extension by which the application reaches its connection:
# https://asgi.readthedocs.io/en/latest/extensions.html
EXTENSION = "hookkeeper"
# Module constants, because Python 3.11 takes 80 ns to look up a member of an enum.
LINGER, HEAD, IDLE, BODY, ANSWER, CLOSED = Stage


class LimitedHttpProtocol(WithoutUpgrade):
    """A connection. It serves one request at a time and is in one `Stage`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._connections = connections.of(server_state, self.loop, self.timeout_keep_alive)
        self.stage = HEAD
        self.since = 0.0
        # Bytes of the body not yet received; None in a head and in a chunked body.
        self._left: int | None = None
        # Bytes received since the request began, or since the last byte of its body.
        self._without_body = 0
        self._empty_lines = EmptyLines()
        self._waiting = Waiting(self._connections.pipelined)
        # Whether the sender closed its direction.
        self._half_closed = False
        self._lingering: Lingering | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """Accept the connection; answer 503 when `Connections` has no room."""
        super().connection_made(transport)
        self._cycle_transport = CycleTransport(transport, self._end, self._is_ending)
        self.since = self.loop.time()
        if not self._connections.add(self):
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections; send it again")

    def connection_lost(self, exc: Exception | None) -> None:
        """Release the resources of the connection, and notify the application."""
        self.stage = CLOSED
        self._connections.discard(self)
        self._waiting.take()
        super().connection_lost(exc)
        if self.cycle is not None:
            self.cycle.transport = self.transport  # breaks a reference cycle

    def eof_received(self) -> bool | None:  # type: ignore[override] # uvicorn's never keeps it open
        """Keep a half-closed connection open until its request is answered; close any other."""
        if self.stage is not ANSWER or self.scheme == "https":
            return None
        self.cycle.keep_alive = False
        self._half_closed = True
        return True

    def shutdown(self) -> None:
        """Close the connection, or let its request or its lingering end within limits."""
        self._connections.within[LINGER] = connections.LINGER_AT_EXIT
        if self._lingering is None:
            super().shutdown()

    def data_received(self, data: bytes) -> None:
        """Parse the bytes of one request, and keep later bytes until it is answered."""
        if self.stage is ANSWER or self._waiting:
            self._wait(data)
        elif self._lingering is not None:
            self._lingering.discard(len(data))
        else:
            self._parse(data)

    def on_headers_complete(self) -> None:
        """Start the application, as `WithoutUpgrade` does, and limit what it gets."""
        # Before the start, because Python reads at most 4,300 digits of a number, and raises for more.
        self._left = next((int(value) for name, value in self.headers if name == b"content-length"), None)
        super().on_headers_complete()
        if self.parser.should_upgrade():
            return
        self.scope["extensions"] = {EXTENSION: {"connection": self}}
        self.cycle.transport = self._cycle_transport  # type: ignore[assignment] # it calls no other method
        self.stage = BODY
        self.since = self.loop.time()
        self._without_body = 0

    def on_body(self, body: bytes) -> None:
        """Keep a body that arrives in one piece; uvicorn would copy it twice."""
        if self._left == 0 and not self.cycle.body and len(body) <= HIGH_WATER_LIMIT:
            self.cycle.body = body  # type: ignore[assignment] # nothing is added to it
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Pass the end of the body to the application; parse no more until it has answered."""
        if self.stage is BODY:
            self.stage = ANSWER
            self._without_body = 0
            self._left = None
            self.cycle.more_body = False
            self.cycle.message_event.set()

    @property
    def whole(self) -> bool:
        """Return whether the whole request has arrived."""
        return self.stage is ANSWER

    def take_body(self, limit: int) -> bytes | None:
        """Return the body of a whole request; None if it is larger than `limit`, or has not arrived."""
        cycle = self.cycle
        if self.stage is not ANSWER or len(cycle.body) > limit:
            return None
        content = bytes(cycle.body)
        cycle.body = bytearray()
        cycle.message_event.clear()
        return content

    def answer(self, status: int, content: bytes) -> bool:
        """Write a response of JSON, or return False if the application must send it as ASGI messages.

        uvicorn writes each of the two messages by itself.
        """
        cycle = self.cycle
        if cycle.disconnected or cycle.access_log or self.flow.write_paused:
            return False
        del cycle.scope["extensions"]  # breaks a reference cycle
        self._write(status, content, [] if cycle.keep_alive else [CLOSE])
        cycle.waiting_for_100_continue = False
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            self._end()
        cycle.on_response()
        return True

    def on_response_complete(self) -> None:
        """Continue with the next request; close if the body is incomplete, because its rest is not read."""
        self.server_state.total_requests += 1
        if self._is_ending():
            return
        if self.stage is BODY:
            self._end()
            return
        self.stage = IDLE
        self.since = self.loop.time()
        if self._waiting:
            self.loop.call_later(self._connections.pipelined.pause(), self._continue)
        else:
            self.flow.resume_reading()

    def _continue(self) -> None:
        """Parse the next pipelined request."""
        if self.transport.is_closing():
            return
        if not self.cycle.keep_alive:  # `_wait` dropped bytes
            self._end()
            return
        self._parse(self._waiting.take())
        if self.stage is not ANSWER:
            self.flow.resume_reading()

    def _end(self) -> None:
        """Close the connection after its answer; linger if sent bytes may be unread."""
        if self._is_ending():
            return
        all_read = self._half_closed or (self.stage is ANSWER and not self.flow.read_paused)
        if all_read or not self.transport.can_write_eof():  # TLS cannot end one direction
            self.transport.close()
        else:
            self._linger()

    def _linger(self) -> None:
        self.stage = LINGER
        self.since = self.loop.time()
        self._waiting.take()
        if self.cycle is not None:
            self.cycle.body = bytearray()
        self._lingering = Lingering(self.transport, self.flow, self.loop, self._connections.discarding)

    def _is_ending(self) -> bool:
        return self._lingering is not None or self.transport.is_closing()

    def expire(self) -> None:
        """End the connection at the deadline of its stage; answer 408 to an incomplete head."""
        if self.stage is HEAD and self._without_body:
            self._refuse(
                HTTPStatus.REQUEST_TIMEOUT, f"no whole head within {connections.HEAD_WITHIN:g} seconds"
            )
        else:
            self.abort()

    def abort(self) -> None:
        """Close the connection at once, without writing what is buffered."""
        self.stage = CLOSED
        self._connections.discard(self)
        self.transport.abort()

    def _parse(self, data: bytes) -> None:
        view, size = memoryview(data), len(data)
        start = 0
        try:
            while start < size and self.stage is not ANSWER:
                if self._left is None:
                    start = self._feed(view, start, self._empty_lines.end(data, start))
                    continue
                end = min(size, start + self._left)
                self._left -= end - start
                self.parser.feed_data(view[start:end])
                start = end
        except FaultError as error:
            self._refuse(*error.args)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse(*(self._fault or faults.NOT_HTTP))
        else:
            if start < size:
                self._wait(data[start:])

    def _feed(self, view: memoryview, start: int, end: int) -> int:
        """Parse a part of a head or a chunked body, and return where the next part begins."""
        self._without_body += end - start
        chunks = self.stage is BODY
        if self._without_body > MAX_HEAD and not chunks:
            raise FaultError(*faults.TOO_LARGE)
        before = len(self.cycle.body) if chunks else 0
        try:
            self.parser.feed_data(view[start:end])
        except httptools.HttpParserUpgrade as upgrade:
            end = start + upgrade.args[0]
            self._ignore_upgrade()
        if chunks and len(self.cycle.body) > before:
            self._without_body = 0
        if self._without_body > MAX_HEAD or (self.headers and len(self.headers) > MAX_FIELDS):
            raise FaultError(*faults.TOO_LARGE)
        if self.stage is IDLE and bytes(view[start:end]).strip(b"\r\n"):
            self.stage = HEAD
            self.since = self.loop.time()
        return end

    def _wait(self, data: bytes) -> None:
        """Keep pipelined bytes; close after the present answer when they exceed a limit."""
        self.flow.pause_reading()
        if self.cycle is not None and self.cycle.keep_alive and not self._waiting.add(data):
            self._connections.count("pipelined")
            self.cycle.keep_alive = False

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        """Answer in place of the application and close; with an answer under way, close after it."""
        self._connections.count(f"answered_{status}")
        if self.stage is ANSWER:
            self.cycle.keep_alive = False
            return
        if self.stage is BODY:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        fields = [CLOSE, (b"retry-after", b"30")] if status is HTTPStatus.SERVICE_UNAVAILABLE else [CLOSE]
        self._write(status, b'{"error": "%b"}' % detail.encode(), fields)
        self._end()
