"""Upload the largest bodies that GitHub sends, and the most costly of that size.

A separate process uploads them, because the test measures the latency of small deliveries meanwhile.
"""

import asyncio
import base64
import json
import multiprocessing
import os
import random
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from urllib.parse import quote_plus
from uuid import uuid4

from tests import github
from tests.chaos import sockets
from tests.chaos.sender import Answer

MIB = 1024 * 1024
BIG = 25 * MIB - 1000
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


def filled(part: bytes) -> bytes:
    """Return a push of just under 25 MiB that repeats this part."""
    payload = json.dumps({"action": "a", "repository": {"id": 7, "full_name": "a/b"}, "fill": []}).encode()
    return payload[:-2] + (part + b",") * (BIG // (len(part) + 1)) + b"0]}"


def random_text() -> bytes:
    """Return JSON that compresses badly."""
    return filled(b'"%b"' % base64.b64encode(os.urandom(6 * MIB)))


def push() -> bytes:
    """Return a push of very many ordinary commits."""
    return filled(json.dumps(github.payload("push__branch")["commits"][0]).encode())


def lists_and_nul() -> bytes:
    return filled(b"[]").replace(b'"a"', b'"\\u0000"', 1)


def objects_and_nul() -> bytes:
    return filled(b'{"a":{"b":[1]}}').replace(b'"a"', b'"\\u0000"', 1)


def form(payload: bytes) -> bytes:
    """Return the form that GitHub writes: about 34 MB."""
    return b"payload=" + quote_plus(payload).encode()


def escaped(payload: bytes) -> bytes:
    """Return a form with every byte escaped: three bytes each."""
    return b"payload=%" + payload.hex("%").encode()


KINDS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "JSON": (JSON, random_text),
    "form": (FORM, lambda: form(push())),
    "form, all escaped": (FORM, lambda: escaped(random_text())),
    "NUL and lists": (JSON, lists_and_nul),
    "NUL and objects": (JSON, objects_and_nul),
}


def deliveries(kind: str, count: int) -> list[github.Request]:
    """Return deliveries of one body, each with another guid."""
    content_type, body = KINDS[kind][0], KINDS[kind][1]()
    first = github.request("ping", body)
    headers = {**first.headers, "Content-Type": content_type}
    return [github.Request(body, {**headers, "X-GitHub-Delivery": str(uuid4())}) for _ in range(count)]


def upload(url: str, kinds: list[str], count: int) -> list[Answer]:
    """Upload `count` bodies of each kind at once."""
    requests = [request for kind in kinds for request in deliveries(kind, count)]
    random.shuffle(requests)

    async def all_of_them() -> list[Answer]:
        return await asyncio.gather(*(sockets.upload(url, request) for request in requests))

    return asyncio.run(all_of_them())


def crowd(url: str, kinds: list[str], count: int) -> list[Answer]:
    """Upload from another process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(upload, url, kinds, count).result()
