"""The receiver reads a body up to the limit of its JSON, and releases its share of the budget."""

import asyncio
import gc
import weakref
from collections.abc import Iterable, Iterator
from contextlib import suppress

import pytest

from receiver.bodies import FORM_NAME, FREE_BYTES, Body, Message, TooLargeError
from receiver.budget import Budget, blocks
from receiver.signatures import Verifier

FORM = "application/x-www-form-urlencoded"
LIMIT = 10 * FREE_BYTES


def body() -> Body:
    return Body(Budget(blocks(3 * LIMIT + FORM_NAME)), Verifier([b"secret"]), LIMIT)


def headers(content_type: str = "application/json", length: int | None = None) -> dict[str, str]:
    announced = {} if length is None else {"content-length": str(length)}
    return {"content-type": content_type, **announced}


class Chunks:
    """An ASGI receive callable that returns these chunks, and counts their bytes."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.left: Iterator[bytes] = iter([*chunks, b""])
        self.passed = 0

    async def receive(self) -> Message:
        chunk = next(self.left)
        self.passed += len(chunk)
        return {"type": "http.request", "body": chunk, "more_body": bool(chunk)}


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize(
    ("content_type", "content"),
    [("application/json", b"x" * LIMIT), (FORM, b"payload=" + b"%22" * LIMIT), (FORM, b"x" * LIMIT)],
    ids=["JSON", "form of escapes", "form without escapes"],
)
async def test_a_body_of_the_largest_json_is_read_as_it_came(
    content_type: str, content: bytes, announced: bool
) -> None:
    pieces = [content[start : start + 50_000] for start in range(0, len(content), 50_000)]
    read = body()
    await read.read(headers(content_type, len(content) if announced else None), Chunks(pieces).receive)
    assert read.content == content
    read.release()


@pytest.mark.parametrize(
    ("content_type", "chunk", "taken"),
    [("application/json", b"x" * 1000, LIMIT), (FORM, b"x" * 1000, LIMIT), (FORM, b"%22" * 1000, 3 * LIMIT)],
    ids=["JSON", "form without escapes", "form of escapes"],
)
async def test_a_body_of_more_json_is_refused_without_being_read_on(
    content_type: str, chunk: bytes, taken: int
) -> None:
    chunks = Chunks([chunk] * (4 * LIMIT // len(chunk)))
    with pytest.raises(TooLargeError):
        await body().read(headers(content_type), chunks.receive)
    assert taken < chunks.passed < taken + 2 * FORM_NAME + len(chunk)


async def test_a_length_over_the_limit_is_refused_without_reading() -> None:
    for content_type, length in (("application/json", LIMIT + 1), (FORM, 3 * LIMIT + FORM_NAME + 1)):
        chunks = Chunks([b"x"])
        with pytest.raises(TooLargeError):
            await body().read(headers(content_type, length), chunks.receive)
        assert chunks.passed == 0


@pytest.mark.parametrize("beyond", [b"", b"x"], ids=["whole", "refused"])
async def test_a_released_body_is_freed_without_the_garbage_collector(beyond: bytes) -> None:
    gc.disable()
    try:
        read = body()
        with suppress(TooLargeError):  # `pytest.raises` would keep the body
            await read.read(headers(), Chunks([b"x" * LIMIT, beyond]).receive)
        read.release()
        gone = weakref.ref(read)
        del read
        await asyncio.sleep(0)
        assert gone() is None
    finally:
        gc.enable()
