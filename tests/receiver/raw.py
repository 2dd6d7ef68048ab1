"""Write HTTP byte for byte, as no HTTP client allows."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

from tests import github

WITHIN = 60.0  # seconds, for whatever is waited for


def head(request: github.Request, *more: str, version: str = "1.1", chunked: bool = False) -> bytes:
    """Return the head of a delivery, with `more` header lines."""
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(request.body)}"
    lines = [
        f"POST /webhooks/github HTTP/{version}",
        "Host: localhost",
        *(f"{name}: {value}" for name, value in request.headers.items()),
        length,
        *more,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def chunks(body: bytes, size: int = 1000, trailers: bytes = b"") -> bytes:
    """Return a body in chunked coding."""
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n" + trailers + b"\r\n"


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect to the receiver."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    try:
        yield reader, writer
    finally:
        writer.transport.abort()  # what nobody reads any more would keep the socket open
        with suppress(OSError):  # the receiver was first
            await writer.wait_closed()


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """Read the next answer; return status, headers by lower-case name, and body."""
    async with asyncio.timeout(WITHIN):
        status_line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if "content-length" in headers:
            body = await reader.readexactly(int(headers["content-length"]))
        else:
            body = await reader.readuntil(b"0\r\n\r\n")
    return int(status_line.split()[1]), headers, body


async def ended(reader: asyncio.StreamReader) -> bytes:
    """Read until the receiver ends the connection."""
    try:
        async with asyncio.timeout(WITHIN):
            return await reader.read()
    except ConnectionResetError:
        return b""


async def exchange(url: str, pieces: Iterable[bytes]) -> bytes:
    """Send pieces on a new connection; return everything received until its end."""
    async with connected(url) as (reader, writer):
        receiving = asyncio.create_task(ended(reader))
        with suppress(OSError):  # the receiver closed; what it said is still to be read
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                if receiving.done():
                    break
        return await receiving


def read_last(url: str, pieces: Iterable[bytes], pause: float = 0.0) -> bytes:
    """Send pieces on a new connection, with a pause after each; return everything received until its end.

    It reads nothing before it has sent everything, as simple clients do.
    """
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), WITHIN) as connection:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(pause)
        told = b""
        while received := connection.recv(64 * 1024):
            told += received
        return told
