"""Writes batches to PostgreSQL: one prepared statement on an asynchronous connection of intake's own.

The statement is sent from the event loop, so that no thread has to be woken for it and the loop parses the
next deliveries while the server commits these. See docs/decisions/0008.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import psycopg
from asgiref.sync import sync_to_async
from django.db import connection

from receiver import rows
from receiver.arrivals import Arrival
from receiver.models import WAKE_GRACE
from receiver.store import DownError, Key, RefusedError, Row, reopen

# Seconds; a server that hangs is a server that is down.
WRITE_WITHIN = 5.0

_COLUMNS = [*rows.VARYING, *rows.BEGINNING, "received_at", "next_attempt_at"]
_SELECTED = [
    *(f"{name}::jsonb" if name == "headers" else name for name in rows.VARYING),
    *rows.BEGINNING.values(),
    "clock_timestamp()",
    f"clock_timestamp() + interval '{WAKE_GRACE.total_seconds()} seconds'",
]
_ARRAYS = ", ".join(f"%b::{kind}[]" for kind in rows.VARYING.values())
SQL = (
    f"INSERT INTO {rows.TABLE} ({', '.join(_COLUMNS)}) "  # noqa: S608 - the names are the model's
    f"SELECT {', '.join(_SELECTED)} FROM unnest({_ARRAYS}) AS arrived ({', '.join(rows.VARYING)}) "
    f"{rows.CONFLICT}"
)
# What Django adds to its parameters for connections of its own kind.
_DJANGOS = {"cursor_factory", "context", "pool", "server_side_binding", "prepare_threshold"}


def connection_parameters() -> dict[str, Any]:
    """What psycopg needs to reach Django's database."""
    found = connection.get_connection_params()
    return {name: value for name, value in found.items() if name not in _DJANGOS}


class PostgresWriter:
    """One connection, opened at the first batch and again after each failure."""

    def __init__(self) -> None:
        self._connection: psycopg.AsyncConnection | None = None

    async def write(self, arrivals: Sequence[Arrival], times: Sequence[int]) -> dict[Key, Row]:
        """See `store.Writer`."""
        columns = [list(column) for column in zip(*map(rows.values, arrivals, times), strict=True)]
        try:
            async with asyncio.timeout(WRITE_WITHIN):
                found = await self._execute(columns)
        except (psycopg.OperationalError, psycopg.InterfaceError, OSError) as error:
            await self.close()
            raise DownError(f"PostgreSQL: {type(error).__name__}") from error
        except psycopg.Error as error:
            raise RefusedError(f"PostgreSQL: {type(error).__name__}") from error
        return {(guid, hook_id): Row(pk, status, seen) for pk, guid, hook_id, status, seen in found}

    async def _execute(self, columns: list[list[Any]]) -> list[tuple[Any, ...]]:
        """Run the statement, once more where the connection was lost since its last use.

        A batch that was committed before its connection broke is then found there, as duplicates.
        """
        reused = self._connection
        if reused is None or reused.closed:
            self._connection = await self._connect()
            return await self._send(self._connection, columns)
        try:
            return await self._send(reused, columns)
        except psycopg.OperationalError:
            if not reused.closed:
                raise
            self._connection = await self._connect()
            return await self._send(self._connection, columns)

    async def reopen(self, ids: Sequence[int]) -> list[int]:
        """See `store.Writer`; rare, so it takes a connection of Django's pool."""

        def run() -> list[int]:
            try:
                return reopen(ids)
            finally:
                connection.close()

        return await sync_to_async(run)()

    async def close(self) -> None:
        """See `store.Writer`."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    @staticmethod
    async def _send(opened: psycopg.AsyncConnection, columns: list[list[Any]]) -> list[tuple[Any, ...]]:
        cursor = await opened.execute(SQL, columns, prepare=True)
        return await cursor.fetchall()

    @staticmethod
    async def _connect() -> psycopg.AsyncConnection:
        opened: psycopg.AsyncConnection = await psycopg.AsyncConnection.connect(
            **connection_parameters(), autocommit=True
        )
        return opened
