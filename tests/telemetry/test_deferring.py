"""Log lines that are written together."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest

from telemetry.deferring import DEFERRABLE, LONGEST_WRITE, DeferringHandler


class Stream:
    """A stream that keeps each write."""

    def __init__(self) -> None:
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        self.writes.append(text)
        return len(text)

    def flush(self) -> None:
        pass


@pytest.fixture
def stream() -> Stream:
    return Stream()


@pytest.fixture
def logger(stream: Stream) -> Iterator[logging.Logger]:
    logger = logging.getLogger("tests.deferring")
    handler = DeferringHandler(stream)  # type: ignore[arg-type] # as much of a stream as it uses
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.INFO)
    yield logger
    logger.removeHandler(handler)


async def test_lines_of_one_iteration_of_the_loop_are_one_write(
    logger: logging.Logger, stream: Stream
) -> None:
    for number in range(3):
        logger.info("line %d", number, extra=DEFERRABLE)
    assert stream.writes == []
    await asyncio.sleep(0)
    assert stream.writes == ["line 0\nline 1\nline 2\n"]
    logger.info("later", extra=DEFERRABLE)
    await asyncio.sleep(0)
    assert stream.writes[1:] == ["later\n"]


async def test_any_other_line_is_written_at_once_behind_those_that_wait(
    logger: logging.Logger, stream: Stream
) -> None:
    logger.info("waits", extra=DEFERRABLE)
    logger.info("does not")
    assert stream.writes == ["waits\ndoes not\n"]
    await asyncio.sleep(0)
    assert len(stream.writes) == 1


async def test_a_write_is_no_longer_than_a_pipe_keeps_whole(logger: logging.Logger, stream: Stream) -> None:
    for _ in range(3):
        logger.info("x" * (LONGEST_WRITE // 2 - 1), extra=DEFERRABLE)
    assert [len(text) for text in stream.writes] == [LONGEST_WRITE]
    await asyncio.sleep(0)
    assert [len(text) for text in stream.writes] == [LONGEST_WRITE, LONGEST_WRITE // 2]


def test_without_a_loop_every_line_is_written_at_once(logger: logging.Logger, stream: Stream) -> None:
    logger.info("at once", extra=DEFERRABLE)
    assert stream.writes == ["at once\n"]


def test_a_line_that_a_closed_loop_left_is_written_with_the_next(
    logger: logging.Logger, stream: Stream
) -> None:
    async def last_words() -> None:
        logger.info("left", extra=DEFERRABLE)
        asyncio.get_running_loop().stop()

    loop = asyncio.new_event_loop()
    loop.create_task(last_words())  # noqa: RUF006 - it ends in the loop's only iteration
    loop.run_forever()
    loop.close()
    logger.info("next", extra=DEFERRABLE)
    assert stream.writes == ["left\nnext\n"]


ENDS = """
import asyncio, logging, sys
from telemetry.deferring import DEFERRABLE, DeferringHandler
logging.basicConfig(level=logging.INFO, handlers=[DeferringHandler()])
async def end():
    logging.info("the last", extra=DEFERRABLE)
    sys.exit(3)
asyncio.run(end())
"""


def test_a_process_that_ends_writes_what_waits() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", ENDS], check=False, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 3
    assert "the last" in ended.stderr
