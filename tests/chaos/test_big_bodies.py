"""The largest bodies that GitHub sends, and the most costly of that size, all at once."""

import asyncio
import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote_plus
from uuid import uuid4

import aiohttp
import pytest

from tests import github
from tests.chaos import law, sockets, stack
from tests.chaos.counts import Counts
from tests.chaos.redis_server import RedisServer
from tests.chaos.sender import Sender

MIB = 1024 * 1024
BIG = 25 * MIB - 1000
MEMORY = 400_000_000  # bytes
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


def filled(part: bytes) -> bytes:
    """A push of just under 25 MiB, of so many such parts."""
    payload = json.dumps({"action": "a", "repository": {"id": 7, "full_name": "a/b"}, "fill": []}).encode()
    return payload[:-2] + (part + b",") * (BIG // (len(part) + 1)) + b"0]}"


def random_text() -> bytes:
    """JSON that compresses badly."""
    return filled(b'"%b"' % base64.b64encode(os.urandom(6 * MIB)))


def push() -> bytes:
    """An ordinary push of very many commits."""
    return filled(json.dumps(github.payload("push__branch")["commits"][0]).encode())


def lists_and_nul() -> bytes:
    return filled(b"[]").replace(b'"a"', b'"\\u0000"', 1)


def objects_and_nul() -> bytes:
    return filled(b'{"a":{"b":[1]}}').replace(b'"a"', b'"\\u0000"', 1)


def form(payload: bytes) -> bytes:
    """As GitHub writes it: about 34 MB."""
    return b"payload=" + quote_plus(payload).encode()


def escaped(payload: bytes) -> bytes:
    """Three bytes for each."""
    return b"payload=%" + payload.hex("%").encode()


KINDS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "JSON": (JSON, random_text),
    "form": (FORM, lambda: form(push())),
    "form, all escaped": (FORM, lambda: escaped(random_text())),
    "NUL and lists": (JSON, lists_and_nul),
    "NUL and objects": (JSON, objects_and_nul),
}


def deliveries(content_type: str, body: bytes, count: int) -> list[github.Request]:
    """Deliveries of one body, with guids of their own."""
    first = github.request("ping", body)
    headers = {**first.headers, "Content-Type": content_type}
    return [github.Request(body, {**headers, "X-GitHub-Delivery": str(uuid4())}) for _ in range(count)]


@pytest.mark.once
@pytest.mark.only("linux")
@pytest.mark.parametrize("kind", KINDS)
async def test_big_bodies_at_once_neither_fill_the_memory_nor_stop_small_deliveries(
    kind: str,
    counts: Counts,
    http: aiohttp.ClientSession,
    database: str,
    redis_server: RedisServer,
    tmp_path: Path,
) -> None:
    content_type, body = KINDS[kind]
    crowd = deliveries(content_type, body(), counts.big_bodies)
    with stack.receiver(tmp_path / "log", DATABASE_URL=database, REDIS_URL=redis_server.url) as receiver:
        small = Sender(http, receiver.url)
        async with small.traffic(per_second=10):
            answers = await asyncio.gather(*(sockets.upload(receiver.url, request) for request in crowd))
        peak = receiver.peak_memory()
        big = Sender(http, receiver.url, list(answers))
        law.kept(database, small, big)
    law.timely(small, big, within=10)
    assert set(big.statuses()) <= {202, 503}
    assert big.statuses()[202] >= 1
    assert set(small.statuses()) == {202}
    assert max(answer.seconds for answer in small.answers) < counts.prompt
    assert peak < MEMORY
