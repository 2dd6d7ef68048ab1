"""Reads a request body within limits of size, time and memory, and computes its signature as it arrives."""

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

# Bytes of a body that are not charged to the budget. Most of GitHub's deliveries are smaller.
FREE_BYTES = BLOCK
# Seconds for a whole body. GitHub waits ten for the answer, and the body must still be stored.
BODY_WITHIN = 7.0
# Seconds of `BODY_WITHIN` that a body may wait for memory. It needs the rest to arrive.
MEMORY_WITHIN = 5.0
# GitHub's limit applies to the JSON. In a form, each byte may take three, `%XX`.
FORM_FACTOR = 3
FORM_NAME = 1024  # bytes for the name of the field


class SenderGoneError(Exception):
    """The sender closed the connection before the whole body arrived."""


class UnreadError(Exception):
    """The body is rejected before all of it has arrived."""


class TooLargeError(UnreadError):
    """The body is over the limit."""


class TooSlowError(UnreadError):
    """The body did not arrive in time, or its sender was slow while other bodies waited for memory."""


class BusyError(UnreadError):
    """There was not enough memory for the body in time."""


def max_bytes(limit: int, content_type: str) -> int:
    """Return the maximum size of a body whose JSON may have `limit` bytes."""
    return FORM_FACTOR * limit + FORM_NAME if schemas.is_form(content_type) else limit


class Body:
    """The body of one request, and its share of the budget until `release`."""

    def __init__(self, budget: Budget, verifier: Verifier, limit: int) -> None:
        self.content = b""
        self.size = 0
        self.verifier = verifier
        self._budget = budget
        self._limit = limit
        self._escapes: int | None = None
        """Number of `%` in a form: its JSON may be two bytes shorter for each. None for JSON."""
        self._share: Share | None = None
        self._waited = 0.0
        self._gave_way = False
        self._within: asyncio.Timeout | None = None

    def take(self, content: bytes) -> None:
        """Take a whole body that has arrived, of up to `FREE_BYTES`."""
        self.content = content
        self.size = len(content)
        self.verifier.update(content)

    async def read(self, headers: Mapping[str, str], receive: Receive) -> None:
        """Receive the whole body.

        Raises `TooLargeError` at once for a `Content-Length` over the limit, else as soon as more bytes than
        the limit have arrived. Raises `TooSlowError`, `BusyError` or `SenderGoneError` for an incomplete
        body.
        """
        announced = headers.get("content-length")
        length = None if announced is None else int(announced)
        self._within = asyncio.timeout(BODY_WITHIN)
        try:
            async with self._within:
                if length is not None and length <= FREE_BYTES:
                    await self._read(receive)
                else:
                    await self._read_large(receive, length, headers.get("content-type", ""))
        except TimeoutError:
            # A body that waited for memory for most of the time is not the sender's fault.
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
        size_limit = max_bytes(self._limit, content_type)
        if schemas.is_form(content_type):
            self._escapes = 0
        if length is None:
            length = size_limit  # unknown, so the maximum is assumed
        if length > size_limit:
            raise TooLargeError
        buffer = BytesIO()  # grows in place, and `getvalue` does not copy
        share = self._share = self._budget.share(blocks(length - FREE_BYTES), self._give_way)
        try:
            more = True
            while more:
                chunk, more = await self._next(receive)
                if self._json_size(chunk) > self._limit or self.size > size_limit:
                    raise TooLargeError
                buffer.write(chunk)
                while more and share.held < blocks(self.size - FREE_BYTES):
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
        """Return a lower bound for the bytes of JSON that have arrived; in a form, an escape is one byte."""
        if self._escapes is None:
            return self.size
        self._escapes += chunk.count(b"%")
        return self.size - 2 * self._escapes - FORM_NAME

    async def _take(self, share: Share) -> None:
        loop = asyncio.get_running_loop()
        since = loop.time()
        try:
            async with asyncio.timeout(MEMORY_WITHIN - self._waited):
                await self._budget.take(share)
        finally:
            self._waited += loop.time() - since

    def _give_way(self) -> None:
        if self._within is not None and not self._within.expired():
            self._gave_way = True
            self._within.reschedule(asyncio.get_running_loop().time())

    def release(self) -> None:
        """Release the share of the budget."""
        if self._share is not None:
            self._budget.release(self._share)
            self._share = None  # breaks a reference cycle, so that the bytes are freed at once
