"""The format of every log line, in every process: text or JSON, bounded, without control characters.

A message is an event and then `key=%s` pairs; in JSON each pair is also a field. Lines that are written while
a delivery is processed name it, those of a handler too.
"""

import json
import logging
import math
import re
import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Protocol, runtime_checkable

from telemetry.sanitising import lines, one_line

# Characters of a message, of a field, and of a traceback, of which the end is kept.
LONGEST_MESSAGE = 2_000
LONGEST_FIELD = 500
LONGEST_TRACEBACK = 20_000
_PLACEHOLDER = re.compile(r"%%|(?:(\w+)=)?%[-+ #0]*\d*(?:\.\d+)?[a-zA-Z]")


class Row(Protocol):
    """The columns of a delivery that a line shows."""

    @property
    def guid(self) -> object: ...  # noqa: D102
    @property
    def event(self) -> str: ...  # noqa: D102
    @property
    def action(self) -> str: ...  # noqa: D102
    @property
    def repository(self) -> str: ...  # noqa: D102
    @property
    def attempts(self) -> int: ...  # noqa: D102
    @property
    def worker(self) -> str: ...  # noqa: D102


@runtime_checkable
class HasFields(Protocol):
    """An argument of a message that is more than its text."""

    @property
    def log_fields(self) -> Mapping[str, object]:
        """Its fields in JSON."""


class Line(HasFields, Protocol):
    """A line that is about a delivery."""

    @property
    def delivery(self) -> Row: ...  # noqa: D102


class Group(list[Line]):
    """Lines that one record holds, as in `logger.info("%s", Group(lines))`: a record for each costs more."""

    def __str__(self) -> str:
        return "\n".join(map(str, self))


_delivery: ContextVar[Row | None] = ContextVar("delivery", default=None)
_process: dict[str, object] = {}


def bind(**fields: object) -> None:
    """Add fields to every further line of this process."""
    _process.update(fields)


def about(delivery: Row) -> None:
    """Add the fields of this delivery to every further line of this task."""
    _delivery.set(delivery)


class ClientFaults(logging.Filter):
    """Makes a warning without a traceback of what Django logs about a request that it answers 4xx.

    Django logs a wrong `Host`, or a form that is too large, as an error with a traceback of its own code.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Change such a record; drop none."""
        if (
            getattr(record, "status_code", HTTPStatus.INTERNAL_SERVER_ERROR)
            < HTTPStatus.INTERNAL_SERVER_ERROR
        ):
            record.exc_info = None
            record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
        return True


class Lines(logging.Formatter):
    """Writes time, level and message; a traceback follows on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of a record."""
        start = f"{self.formatTime(record)} {record.levelname:<7} "
        text = "\n".join(start + message for message in _messages(record))
        traceback = _traceback(self, record)
        return f"{text}\n{traceback}" if traceback else text


class Seldom(logging.Filter):
    """Passes each message at most once in so many seconds: what tries again logs each attempt."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self._next: dict[object, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record passes."""
        now = time.monotonic()
        passes = now >= self._next.get(record.msg, -math.inf)
        if passes:
            self._next[record.msg] = now + self._seconds
        return passes


class JsonLines(logging.Formatter):
    """Writes one JSON object for each line, in ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of a record."""
        head = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        traceback = _traceback(self, record)
        last = {"exception": traceback} if traceback else {}
        pairs = zip(_messages(record), _fields(record), strict=True)
        # No field replaces one of the first ones.
        return "\n".join(
            json.dumps(entry | _plain(fields) | entry | last)
            for text, fields in pairs
            for entry in [{**head, "message": text}]
        )


def _group(record: logging.LogRecord) -> Group | None:
    args = record.args
    return args[0] if isinstance(args, tuple) and len(args) == 1 and isinstance(args[0], Group) else None


def _messages(record: logging.LogRecord) -> list[str]:
    """Return the text of each line of a record."""
    group = _group(record)
    texts = [record.getMessage()] if group is None else map(str, group)
    return [one_line(text, LONGEST_MESSAGE) for text in texts]


def _fields(record: logging.LogRecord) -> list[Mapping[str, object]]:
    """Return the fields of each line of a record: of the process, its delivery, and its message."""
    group = _group(record)
    if group is None:
        return [{**_process, **_about(_delivery.get()), **dict(_pairs(record))}]
    return [{**_process, **_about(line.delivery), **line.log_fields} for line in group]


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    """Return the traceback of a record, if it has one. Errors may quote payloads."""
    if not record.exc_info or record.exc_info[0] is None:
        return ""
    return lines(formatter.formatException(record.exc_info)[-LONGEST_TRACEBACK:])


def _about(row: Row | None) -> dict[str, object]:
    if row is None:
        return {}
    return {
        "guid": row.guid,
        "event": row.event,
        "action": row.action,
        "repository": row.repository,
        "attempt": row.attempts + 1,
        "worker": row.worker,
    }


def _pairs(record: logging.LogRecord) -> Iterator[tuple[str, object]]:
    """Yield the pairs of the message, and the fields of its arguments."""
    if not isinstance(record.args, tuple) or not isinstance(record.msg, str):
        return
    places = [match for match in _PLACEHOLDER.finditer(record.msg) if match[0] != "%%"]
    for place, value in zip(places, record.args, strict=False):
        if isinstance(value, HasFields):
            yield from value.log_fields.items()
        elif place[1] is not None:
            # An error may have no text, as TimeoutError() has none.
            yield place[1], repr(value) if place[0].endswith("r") and not isinstance(value, str) else value


def _plain(fields: Mapping[str, object]) -> dict[str, object]:
    """Return the fields as JSON can show them."""
    return {
        name: value
        if value is None or isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
        else one_line(str(value), LONGEST_FIELD)
        for name, value in fields.items()
    }
