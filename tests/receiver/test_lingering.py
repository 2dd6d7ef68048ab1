"""A sender that reads only after it has sent everything gets every answer, however early it comes."""

import asyncio

import pytest

from tests.receiver import raw

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

MIB = 1024 * 1024
LARGE = b" " * (26 * MIB)  # over the limit of a body, and more than the buffers of both sockets
START = "POST /webhooks/github HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n\r\n"


EARLY = {
    "413 of an announced length": ("413", START + f"Content-Length: {len(LARGE)}\r\n\r\n"),
    "413 of a chunked body": ("413", START + CHUNKED + f"{len(LARGE):x}\r\n"),
    "405 of a page": ("405", f"POST /healthz HTTP/1.1\r\nContent-Length: {len(LARGE)}\r\n\r\n"),
    "413 of a form": (
        "413",
        START + "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 99999999\r\n\r\n",
    ),
    "404": ("404", f"POST /webhook HTTP/1.1\r\nContent-Length: {MIB}\r\n\r\n"),
    "405": ("405", START.replace("POST", "PUT") + f"Content-Length: {len(LARGE)}\r\n\r\n"),
    "405 of a closing sender": (
        "405",
        START.replace("POST", "PUT") + f"Connection: close\r\nContent-Length: {len(LARGE)}\r\n\r\n",
    ),
    "431 of a long field": ("431", START + f"X-Long: {'v' * 70_000}\r\n\r\n"),
    "431 of many lines": ("431", START + "a: b\r\n" * 200 + f"Content-Length: {len(LARGE)}\r\n\r\n"),
    "400 of a head": ("400", "POST\r\n\r\n"),
    "400 of a chunk": ("400", START + CHUNKED + "zz\r\n"),
}


@pytest.mark.parametrize(("status", "head"), EARLY.values(), ids=EARLY)
async def test_an_early_answer_reaches_a_sender_that_reads_last(
    status: str, head: str, receiver_url: str
) -> None:
    told = await asyncio.to_thread(raw.read_last, receiver_url, [head.encode(), LARGE])
    assert told.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"\r\nconnection: close\r\n" in told.lower()
    assert told.endswith(b"}")
