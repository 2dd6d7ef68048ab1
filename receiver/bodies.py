"""Reads a request's body within limits of size, time and memory, and signs it as it arrives."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from io import BytesIO
from typing import Any

import schemas
from receiver.budget import BLOCK, Budget, Share, blocks
from receiver.signatures import Verifier

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

# Bytes that a body may have without asking the budget; most of GitHub's deliveries are smaller.
SMALL = BLOCK
# Seconds; GitHub waits ten for the answer, and the body has still to be stored.
BODY_WITHIN = 7.0
# Seconds of those for which a body may wait for room; with less than the rest it would not become whole.
ROOM_WITHIN = 5.0
# GitHub's cap counts the JSON. In a form each of its bytes may take three, `%XX`, beside the field's name.
FORM_FACTOR = 3
FORM_NAME = 1024  # bytes


class SenderGoneError(Exception):
    """The sender closed the connection before its body was whole."""


class UnreadError(Exception):
    """The body is refused before it is whole."""


class TooLargeError(UnreadError):
    """The body is over the limit."""


class TooSlowError(UnreadError):
    """The body was not whole in time, or its sender was slow while others waited."""


class BusyError(UnreadError):
    """There was no room for the body in time."""


def most_bytes(limit: int, content_type: str) -> int:
    """Return how many bytes a body may have whose JSON may have `limit`."""
    return FORM_FACTOR * limit + FORM_NAME if schemas.is_form(content_type) else limit


class Body:
    """The bytes of one request, and what they take of the budget until `release`."""

    def __init__(self, budget: Budget, verifier: Verifier, limit: int) -> None:
        self.content = b""
        self.size = 0
        self.verifier = verifier
        self._budget = budget
        self._limit = limit
        self._escapes: int | None = None
        """Of a form: how often `%` occurs, which is where its JSON may be shorter than the form."""
        self._share: Share | None = None
        self._waited = 0.0
        self._gave_way = False
        self._within = asyncio.timeout(BODY_WITHIN)

    async def read(self, scope: Scope, receive: Receive) -> None:
        """Receive the whole body.

        Raises `TooLargeError` before reading what `Content-Length` says is too much, and as soon as it
        is; `TooSlowError`, `BusyError` or `SenderGoneError` when it does not become whole.
        """
        length, content_type = None, b""
        for name, value in scope["headers"]:
            if name == b"content-length":
                length = int(value)
            elif name == b"content-type":
                content_type = value
        try:
            async with self._within:
                if length is not None and length <= SMALL:
                    await self._read(receive)
                else:
                    await self._read_large(receive, length, content_type.decode("latin-1"))
        except TimeoutError:
            # A sender that was kept waiting for most of the time is not to blame.
            if self._gave_way or self._waited < BODY_WITHIN / 2:
                raise TooSlowError from None
            raise BusyError from None

    async def _read(self, receive: Receive) -> None:
        chunks = []
        more = True
        while more:
            chunk, more = await self._next(receive)
            chunks.append(chunk)
        self.content = chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def _read_large(self, receive: Receive, length: int | None, content_type: str) -> None:
        most = most_bytes(self._limit, content_type)
        if schemas.is_form(content_type):
            self._escapes = 0
        if length is None:
            length = most  # it may become as long as it may
        if length > most:
            raise TooLargeError
        buffer = BytesIO()  # it grows in place, and `getvalue` hands its bytes over without a copy
        share = self._share = self._budget.share(blocks(length - SMALL), self._give_way)
        try:
            more = True
            while more:
                chunk, more = await self._next(receive)
                if self._json_size(chunk) > self._limit or self.size > most:
                    raise TooLargeError
                buffer.write(chunk)
                while more and share.held < blocks(self.size - SMALL):
                    await self._take(share)
        finally:
            self._budget.whole(share)
        self.content = buffer.getvalue()

    async def _next(self, receive: Receive) -> tuple[bytes, bool]:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise SenderGoneError
        chunk: bytes = message.get("body", b"")
        self.size += len(chunk)
        self.verifier.update(chunk)
        return chunk, message.get("more_body", False)

    def _json_size(self, chunk: bytes) -> int:
        """No more than the bytes of JSON that have arrived: all, or of a form what its escapes stand for."""
        if self._escapes is None:
            return self.size
        self._escapes += chunk.count(b"%")
        return self.size - 2 * self._escapes - FORM_NAME

    async def _take(self, share: Share) -> None:
        loop = asyncio.get_running_loop()
        since = loop.time()
        try:
            async with asyncio.timeout(ROOM_WITHIN - self._waited):
                await self._budget.take(share)
        finally:
            self._waited += loop.time() - since

    def _give_way(self) -> None:
        if not self._within.expired():
            self._gave_way = True
            self._within.reschedule(asyncio.get_running_loop().time())

    def release(self) -> None:
        """Give back what was taken of the budget."""
        if self._share is not None:
            self._budget.release(self._share)
            self._share = None  # it refers to this body, whose bytes would wait for the garbage collector
