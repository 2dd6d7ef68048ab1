"""Ends a connection in stages, so that its sender can read the answer after it has sent everything.

If a socket is closed while bytes of its sender are unread, the kernel sends a reset, and the reset deletes
the answer at the sender. So the receiver ends its own direction, discards what arrives, and closes the
connection when the sender does: https://www.rfc-editor.org/rfc/rfc9112#section-9.6
"""

import asyncio
from collections.abc import Callable

from uvicorn.protocols.http.flow_control import FlowControl

# Bytes of one connection: the largest form of 25 MB of JSON, and what a sender adds to it.
MAX_DISCARDED = 80 * 1024 * 1024
# Bytes a second, over all connections. It bounds the CPU that senders of endless requests take: some percent.
DISCARD_RATE = 100_000_000.0


class Rate:
    """Divides `DISCARD_RATE` among the connections of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._free_at = 0.0

    def pause(self, size: int) -> float:
        """Return the seconds until a connection may discard more than these `size` bytes."""
        now = self._loop.time()
        self._free_at = max(now, self._free_at) + size / DISCARD_RATE
        return self._free_at - now


class Lingering:
    """A connection that is answered. Its owner limits the time."""

    def __init__(
        self,
        transport: asyncio.Transport,
        flow: FlowControl,
        loop: asyncio.AbstractEventLoop,
        rate: Rate,
    ) -> None:
        """End the receiver's direction after the bytes that are already written."""
        self._transport = transport
        self._flow = flow
        self._loop = loop
        self._rate = rate
        self._discarded = 0
        transport.write_eof()
        flow.resume_reading()

    def discard(self, size: int) -> None:
        """Note that `size` bytes were read and dropped; read more in time, or close at `MAX_DISCARDED`."""
        self._discarded += size
        if self._discarded > MAX_DISCARDED:
            self._transport.abort()
            return
        self._flow.pause_reading()
        self._loop.call_later(self._rate.pause(size), self._read_on)

    def _read_on(self) -> None:
        if not self._transport.is_closing():
            self._flow.resume_reading()


class CycleTransport:
    """The transport that uvicorn's cycle writes to; the connection decides how it closes."""

    def __init__(
        self, transport: asyncio.Transport, end: Callable[[], None], ended: Callable[[], bool]
    ) -> None:
        self.write = transport.write
        self.close = end
        self.is_closing = ended
