"""Reads a request's body within limits of size, time and memory, and signs it as it arrives."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from receiver.budget import Budget
from receiver.signatures import Verifier

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

# Bytes that a body may have without asking the budget; most of GitHub's deliveries are smaller.
SMALL = 64 * 1024
# Seconds; GitHub waits ten for the answer, and the body has still to be stored.
BODY_WITHIN = 7.0
# Seconds, of those: who has not got room by then would not become whole.
ROOM_WITHIN = 5.0


class SenderGoneError(Exception):
    """The sender closed the connection before its body was whole."""


class TooLargeError(Exception):
    """The body is over the limit."""


class TooSlowError(Exception):
    """The body was not whole in time."""


class BusyError(Exception):
    """There was no room for the body in time."""


class Body:
    """The bytes of one request, and what they take of the budget until `release`."""

    def __init__(self, budget: Budget, verifier: Verifier, limit: int) -> None:
        self.content = b""
        self.size = 0
        self.verifier = verifier
        self._budget = budget
        self._limit = limit
        self._taken = 0
        self._waited = False

    async def read(self, scope: Scope, receive: Receive) -> None:
        """Receive the whole body.

        Raises `TooLargeError` before reading what `Content-Length` says is too much, and as soon as it
        is; `TooSlowError`, `BusyError` or `SenderGoneError` when it does not become whole.
        """
        # Without a length it may become as long as it may.
        length = self._limit
        for name, value in scope["headers"]:
            if name == b"content-length":
                length = int(value)
        if length > self._limit:
            raise TooLargeError
        try:
            async with asyncio.timeout(BODY_WITHIN):
                await self._read(receive, length)
        except TimeoutError:
            # A sender that was kept waiting is not to blame.
            raise (BusyError if self._waited else TooSlowError) from None

    async def _read(self, receive: Receive, length: int) -> None:
        chunks = []
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise SenderGoneError
            chunk = message.get("body", b"")
            more = message.get("more_body", False)
            self.size += len(chunk)
            if self.size > self._limit:
                raise TooLargeError
            self.verifier.update(chunk)
            chunks.append(chunk)
            if more and self.size > SMALL and not self._taken:
                self._waited = True
                async with asyncio.timeout(ROOM_WITHIN):
                    await self._budget.acquire(length)
                self._taken = length
        self.content = chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def release(self) -> None:
        """Give back what was taken of the budget."""
        if self._taken:
            self._budget.release(self._taken)
            self._taken = 0
