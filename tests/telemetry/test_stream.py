"""Records of many lines: in parts that a pipe keeps whole."""

import logging
from collections.abc import Iterator

import pytest

from telemetry.stream import LONGEST_WRITE, WholeLines


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
    logger = logging.getLogger("tests.stream")
    handler = WholeLines(stream)  # type: ignore[arg-type] # as much of a stream as it uses
    logger.addHandler(handler)
    logger.propagate = False
    yield logger
    logger.removeHandler(handler)


def test_lines_of_one_record_are_one_write(logger: logging.Logger, stream: Stream) -> None:
    logger.warning("one\ntwo\nthree")
    assert stream.writes == ["one\ntwo\nthree\n"]


class Nameless:
    """Has no text."""

    def __str__(self) -> str:
        raise ValueError("no text")


@pytest.mark.parametrize("message", ["two: %s %s", Nameless()])
def test_a_record_without_a_text_is_one_line(
    stream: Stream, caplog: pytest.LogCaptureFixture, message: object
) -> None:
    record = logging.LogRecord("handlers.mine", logging.INFO, __file__, 1, message, ("secret",), None)
    WholeLines(stream).handle(record)  # type: ignore[arg-type] # as above
    [line] = caplog.messages
    assert line.startswith(f"not logged by=handlers.mine text={message!r} error=")
    assert not stream.writes


def test_a_write_ends_with_a_line_and_is_no_longer_than_a_pipe_keeps_whole(
    logger: logging.Logger, stream: Stream
) -> None:
    lines = [f"{number:05}" + "x" * 1000 for number in range(20)]
    logger.warning("\n".join(lines))
    assert "".join(stream.writes).splitlines() == lines
    assert len(stream.writes) == 5
    assert all(text.endswith("\n") and len(text) <= LONGEST_WRITE for text in stream.writes)


def test_a_line_that_is_longer_is_a_write_of_its_own(logger: logging.Logger, stream: Stream) -> None:
    logger.warning("short\n%s\nshort", "x" * 2 * LONGEST_WRITE)
    assert [len(text) for text in stream.writes] == [6, 2 * LONGEST_WRITE + 1, 6]
