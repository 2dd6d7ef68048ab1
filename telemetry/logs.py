"""The format of every log line, in every process: text or JSON, bounded, without control characters.

A message is an event and then `key=%s` pairs; in JSON each pair is also a field. Lines that are written while
a delivery is processed name it, those of a handler too.
"""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Protocol, runtime_checkable

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
        """What JSON shows of it."""


_delivery: ContextVar[Row | None] = ContextVar("delivery", default=None)
_process: dict[str, object] = {}


def bind(**fields: object) -> None:
    """Add fields to every further line of this process."""
    _process.update(fields)


def about(delivery: Row) -> None:
    """Say in every further line of this task that it is about this delivery."""
    _delivery.set(delivery)


class Lines(logging.Formatter):
    """Writes time, level and message; a traceback follows on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of a record."""
        line = f"{self.formatTime(record)} {record.levelname:<7} {_message(record)}"
        traceback = _traceback(self, record)
        return f"{line}\n{traceback}" if traceback else line


class JsonLines(logging.Formatter):
    """Writes one JSON object for each record, in ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of a record."""
        fields = {**_process, **_context(), **dict(_fields(record))}
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        entry |= {name: _plain(value) for name, value in fields.items() if name not in entry}
        if traceback := _traceback(self, record):
            entry["exception"] = traceback
        return json.dumps(entry)


def _message(record: logging.LogRecord) -> str:
    return one_line(record.getMessage(), LONGEST_MESSAGE)


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    """Return the traceback of a record, if it has one. Errors may quote what was sent."""
    if not record.exc_info or record.exc_info[0] is None:
        return ""
    return lines(formatter.formatException(record.exc_info)[-LONGEST_TRACEBACK:])


def _context() -> dict[str, object]:
    row = _delivery.get()
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


def _fields(record: logging.LogRecord) -> Iterator[tuple[str, object]]:
    """Yield the pairs of the message, and the fields of its arguments."""
    if not isinstance(record.args, tuple) or not isinstance(record.msg, str):
        return
    names = [match[1] for match in _PLACEHOLDER.finditer(record.msg) if match[0] != "%%"]
    for name, value in zip(names, record.args, strict=False):
        if isinstance(value, HasFields):
            yield from value.log_fields.items()
        elif name is not None:
            yield name, value


def _plain(value: object) -> object:
    return value if isinstance(value, bool | int | float | None) else one_line(str(value), LONGEST_FIELD)
