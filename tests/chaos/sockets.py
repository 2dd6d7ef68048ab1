"""Write POST requests byte by byte, as no HTTP client allows."""

import asyncio
import contextlib
import time
from urllib.parse import urlsplit

from tests import github
from tests.chaos.sender import Answer

PIECE = 64 * 1024


def head(request: github.Request, length: int) -> bytes:
    """Return the request line and headers, with the empty line."""
    headers = {**request.headers, "Host": "localhost", "Content-Length": str(length)}
    lines = ["POST /webhooks/github HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


async def connect(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to the receiver at this URL."""
    parts = urlsplit(url)
    return await asyncio.open_connection(parts.hostname, parts.port)


async def close(writer: asyncio.StreamWriter) -> None:
    """Close a connection, even a broken one."""
    writer.close()
    with contextlib.suppress(OSError):  # the other side was first
        await writer.wait_closed()


async def upload(url: str, request: github.Request) -> Answer:
    """Send a large body in pieces and read meanwhile, because the answer may come before its end."""
    asked = time.monotonic()
    reader, writer = await connect(url)
    answer = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))
    try:
        writer.write(head(request, len(request.body)))
        whole = memoryview(request.body)
        for start in range(0, len(whole), PIECE):
            if answer.done():
                break
            writer.write(whole[start : start + PIECE])
            await writer.drain()
    except OSError:
        pass  # the receiver closed: what it said is in the answer, or it said nothing
    try:
        told = (await answer).decode()
    except (OSError, asyncio.IncompleteReadError):
        return Answer(request.guid, 0, asked, time.monotonic())
    finally:
        answered = time.monotonic()
        await close(writer)
    status_line, *lines = told.splitlines()
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Answer(request.guid, int(status_line.split()[1]), asked, answered, headers.get("retry-after", ""))


async def dribble(url: str, request: github.Request, *, sent: int) -> None:
    """Send `sent` bytes of a request at once, then one byte a second until cancelled."""
    whole = head(request, len(request.body)) + request.body
    _, writer = await connect(url)
    try:
        writer.write(whole[:sent])
        for position in range(sent, len(whole)):
            await writer.drain()
            await asyncio.sleep(1)
            writer.write(whole[position : position + 1])
    except OSError:
        pass  # the receiver lost its patience
    finally:
        await close(writer)
