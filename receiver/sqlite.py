"""Writes batches to SQLite through Django's connection, in a thread of its own.

The thread waits for the disk and for locks of other processes, so that the event loop does not.
"""

import asyncio
import re
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from django.db import Error, IntegrityError, OperationalError, close_old_connections, connection, transaction
from django.utils import timezone
from pydantic_core import from_json, to_json

from receiver import rows
from receiver.arrivals import Arrival, Key
from receiver.frames import PLAIN, WRITTEN, compress
from receiver.store import DownError, RefusedError, Row, reopen

# Bytes of bodies. A thread that compresses releases Python's lock for each body, and then waits for the event
# loop. Preparing more in the event loop would delay other requests.
PREPARED_IN_LOOP = 1024 * 1024

_SQL = Path(__file__).parent / "sql"
INSERT = (_SQL / "insert.sqlite.sql").read_text()
INSERTED = (_SQL / "inserted.sqlite.sql").read_text()
REDELIVER = (_SQL / "redeliver.sqlite.sql").read_text()
_BEGIN, _NAMED, _ = re.split(r"(?<=\nVALUES\n)|(?=\nON CONFLICT)", INSERT)
_ROW, _PARAMETERS = re.subn(r":\w+", "?", _NAMED)
# The columns after the two times.
_columns = itemgetter(*re.findall(r":(\w+)", _NAMED)[2:])

Made = tuple[Key, dict[str, Any]]
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class SqliteWriter:
    """One thread, with the connection that Django keeps for it. See `store.Writer`."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="intake")

    async def insert(self, arrivals: Sequence[Arrival], times: Sequence[int]) -> dict[Key, int]:
        """Insert all rows in one transaction; the event loop prepares small ones."""
        if sum(len(arrival.body) for arrival in arrivals) <= PREPARED_IN_LOOP:
            return await self._run(_insert, _rows(arrivals, times))
        return await self._run(lambda: _insert(_rows(arrivals, times)))

    async def redeliver(self, arrivals: Sequence[Arrival], times: Sequence[int]) -> dict[Key, Row]:
        """Count row by row in one transaction."""
        return await self._run(_redeliver, arrivals, times)

    async def reopen(self, ids: Sequence[int]) -> list[int]:
        """Reopen in this thread."""
        return await self._run(reopen, ids)

    async def probe(self) -> None:
        """Start a write transaction without a write."""
        await self._run(_insert_nothing)

    async def close(self) -> None:
        """Close the connection and end the thread."""
        await asyncio.get_running_loop().run_in_executor(self._thread, _disconnect)
        self._thread.shutdown()

    async def _run(
        self, work: Callable[Arguments, Result], *arguments: Arguments.args, **named: Arguments.kwargs
    ) -> Result:
        def run() -> Result:
            close_old_connections()
            try:
                return work(*arguments, **named)
            finally:
                close_old_connections()

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, run)
        except OperationalError as error:
            raise DownError(f"SQLite: {error}") from error
        except (Error, OverflowError) as error:
            raise RefusedError(f"SQLite: {type(error).__name__}") from error


def _disconnect() -> None:
    connection.close()  # Django looks up the connection of the current thread


def _insert(made: Sequence[Made]) -> dict[Key, int]:
    """Insert rows in one statement, which is a transaction; if it meets a known key, insert one by one.

    sqlite3 releases Python's lock once for each statement, and the event loop takes it.
    """
    if connection.connection is None:
        # SQLite would build a table of all states for each row, and parse headers that were just made.
        connection.cursor().execute("PRAGMA ignore_check_constraints = ON")
    lite = connection.connection
    if len(made) * _PARAMETERS <= lite.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER):
        with suppress(IntegrityError), connection.wrap_database_errors:
            last = lite.wait(lambda: lite.execute(_statement(len(made)), _values(made))).lastrowid
            return {key: last - place for place, (key, _) in enumerate(reversed(made))}
    return _insert_unknown(made)


@lru_cache
def _statement(count: int) -> str:
    """Return the statement that inserts so many rows, all of them new."""
    return _BEGIN + ",".join([_ROW] * count)


def _values(made: Sequence[Made]) -> list[Any]:
    times = (_now(),) * 2
    return [value for _, row in made for value in (*times, *_columns(row))]


@transaction.atomic
def _insert_unknown(made: Sequence[Made]) -> dict[Key, int]:
    now = _now()
    lite: sqlite3.Connection = connection.connection
    with connection.wrap_database_errors:
        [(before,)] = lite.execute("SELECT coalesce(max(id), 0) FROM receiver_delivery").fetchall()
        lite.executemany(INSERT, [row | {"received_at": now, "next_attempt_at": now} for _, row in made])
        [(inserted,)] = lite.execute(INSERTED, {"before": before}).fetchall()
    keys = {(row["source"], row["guid"], row["hook_id"]): key for key, row in made}
    return {keys[source, guid, hook_id]: pk for source, guid, hook_id, pk in from_json(inserted)}


@transaction.atomic
def _insert_nothing() -> None:
    with connection.cursor() as cursor:
        # In a file that may not be written, BEGIN IMMEDIATE is no error, but starts to read.
        cursor.execute("DELETE FROM receiver_delivery WHERE FALSE")
    _insert_unknown([])


def _now() -> str | None:
    return connection.ops.adapt_datetimefield_value(timezone.now())


@transaction.atomic
def _redeliver(arrivals: Sequence[Arrival], times: Sequence[int]) -> dict[Key, Row]:
    return {
        key: Row(*returned)
        for key, row in _rows(arrivals, times, PLAIN)
        for returned in _execute(REDELIVER, row)
    }


def _rows(arrivals: Sequence[Arrival], times: Sequence[int], dictionary: int = WRITTEN) -> list[Made]:
    """Return the key of each arrival, and its columns as Django keeps them in SQLite."""
    found = []
    for arrival, row in zip(arrivals, rows.of(arrivals, times), strict=True):
        row["guid"] = arrival.guid.replace("-", "")
        row["headers"] = to_json(row["headers"]).decode()
        row["body"] = compress(arrival.body, dictionary)
        found.append((arrival.key, row))
    return found


def _execute(statement: str, row: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Run one statement on the driver's own connection, which takes parameters by name."""
    lite: sqlite3.Connection = connection.connection
    with connection.wrap_database_errors:
        return lite.execute(statement, row).fetchall()
