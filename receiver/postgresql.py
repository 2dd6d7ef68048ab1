"""Writes batches to PostgreSQL through its own asynchronous connection.

The event loop sends the statements, so that no thread has to be woken and the loop parses the next deliveries
while the server commits these. Two parameters hold a batch, and psycopg's lower level
(https://www.psycopg.org/psycopg3/docs/api/pq.html) sends them: its cursors adapt each value in Python. See
docs/decisions/0008 and 0038.
"""

import asyncio
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection
from psycopg import errors, generators
from psycopg.pq import ExecStatus, Format
from pydantic_core import to_json

from receiver import rows
from receiver.arrivals import Arrival, Key
from receiver.frames import PLAIN, WRITTEN, compress
from receiver.store import DownError, RefusedError, Row, reopen

# Seconds for the answer to a statement, before the connection is cut. With `connect_timeout` it is less than
# the time in which intake answers the sender.
ANSWER_WITHIN = 5.0
# Seconds between attempts on rows that another transaction locks; a worker locks a row for milliseconds.
LOCK_RETRIES = (0.05, 0.1, 0.2)

_SQL = Path(__file__).parent / "sql"
INSERT = (_SQL / "insert.postgresql.sql").read_bytes()
REDELIVER = (_SQL / "redeliver.postgresql.sql").read_bytes()
PREPARED = b"intake"  # the name of the insert on a direct connection
# Errors of a statement that was prepared before its table changed, or whose name a pooler gave away.
_STALE = (errors.FeatureNotSupported, errors.InvalidSqlStatementName, errors.DuplicatePreparedStatement)
# A missing table or right is a `ProgrammingError`. It refuses every row.
_DOWN = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.ProgrammingError,
    errors.ReadOnlySqlTransaction,
    OSError,
)
# Parameters that Django adds for its own class of connections.
_DJANGOS = {"cursor_factory", "context", "pool", "server_side_binding", "prepare_threshold"}


def connection_parameters() -> dict[str, Any]:
    """Return the connection parameters of Django's database for psycopg."""
    found = connection.get_connection_params()
    return {name: value for name, value in found.items() if name not in _DJANGOS}


class PostgresWriter:
    """One connection, opened at the first batch and again after each failure. See `store.Writer`."""

    def __init__(self) -> None:
        self._connection: psycopg.AsyncConnection | None = None
        self._direct = False

    async def insert(self, arrivals: Sequence[Arrival], times: Sequence[int]) -> dict[Key, int]:
        """Insert in one statement, which is also one transaction."""
        found = await self._run(INSERT, parameters(arrivals, times))
        return {(source, guid, int(hook_id)): int(pk) for source, guid, hook_id, pk in found}

    async def redeliver(self, arrivals: Sequence[Arrival], times: Sequence[int]) -> dict[Key, Row]:
        """Count on the rows that are not locked; retry a few times for the others."""
        found: dict[Key, Row] = {}
        left = list(zip(arrivals, times, strict=True))
        for pause in (0.0, *LOCK_RETRIES):
            await asyncio.sleep(pause)
            sent = parameters([arrival for arrival, _ in left], [count for _, count in left], PLAIN)
            for source, guid, hook_id, pk, status, digest, event in await self._run(REDELIVER, sent):
                row = Row(int(pk), status, bytes.fromhex(digest) if digest else None, event)
                found[source, guid, int(hook_id)] = row
            left = [(arrival, count) for arrival, count in left if arrival.key not in found]
            if not left:
                break
        return found

    async def reopen(self, ids: Sequence[int]) -> list[int]:
        """Reopen through a connection of Django's pool: redeliveries of failed deliveries are rare."""

        def run() -> list[int]:
            try:
                return reopen(ids)
            finally:
                connection.close()

        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                return await sync_to_async(run, thread_sensitive=False)()
        except TimeoutError as error:
            raise DownError("PostgreSQL: no answer in time") from error

    async def probe(self) -> None:
        """Insert no rows: that needs the same locks and rights as one."""
        await self._run(INSERT, parameters([], []))

    async def close(self) -> None:
        """Close the connection without waiting for the server."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _run(self, statement: bytes, values: Sequence[bytes]) -> list[list[str]]:
        try:
            return await self._execute(statement, values)
        except errors.LockNotAvailable as error:
            if error.diag.context:  # it waited for a row, not for the table
                raise RefusedError("PostgreSQL: another transaction holds this key") from error
            raise DownError("PostgreSQL: the table is locked") from error
        except _DOWN as error:
            await self.close()
            raise DownError(f"PostgreSQL: {type(error).__name__}") from error
        except psycopg.Error as error:
            raise RefusedError(f"PostgreSQL: {type(error).__name__}") from error

    async def _execute(self, statement: bytes, values: Sequence[bytes]) -> list[list[str]]:
        """Run the statement, once more on a new connection where the reused one is lost or stale.

        Rows that were committed before the connection broke are found then as duplicates.
        """
        reused = self._connection
        if reused is None or reused.closed:
            return await self._send(await self._connect(), statement, values)
        try:
            return await self._send(reused, statement, values)
        except _STALE:
            await reused.close()
        except psycopg.OperationalError:
            if not reused.closed:
                raise
        return await self._send(await self._connect(), statement, values)

    async def _send(
        self, opened: psycopg.AsyncConnection, statement: bytes, values: Sequence[bytes] = ()
    ) -> list[list[str]]:
        """Return the rows of the statement as text, an empty one for null; cut a connection that is too slow.

        Cancelling the task is not enough: psycopg would send a cancel request to the same server, and wait
        for it.
        """
        slow = False

        def cut() -> None:
            nonlocal slow
            slow = True
            with socket.socket(fileno=os.dup(opened.fileno())) as shared:
                shared.shutdown(socket.SHUT_RDWR)

        timer = asyncio.get_running_loop().call_later(ANSWER_WITHIN, cut)
        try:
            if statement is INSERT and self._direct:
                opened.pgconn.send_query_prepared(PREPARED, values, _FORMATS)
            else:
                opened.pgconn.send_query_params(statement, values, None, _FORMATS[: len(values)])
            [result] = await opened.wait(generators.execute(opened.pgconn))
            if result.status == ExecStatus.FATAL_ERROR:
                raise errors.error_from_result(result)
            columns = range(result.nfields)
            return [
                [(result.get_value(row, column) or b"").decode() for column in columns]
                for row in range(result.ntuples)
            ]
        except psycopg.Error:
            if slow:
                await opened.close()
                raise DownError("PostgreSQL: no answer in time") from None
            raise
        finally:
            timer.cancel()

    async def _connect(self) -> psycopg.AsyncConnection:
        """Connect; name statements and set timeouts only where the connection is the receiver's alone.

        Each transaction behind a pooler may run in another server process, so its clients get no process id.
        """
        self._direct = False
        opened: psycopg.AsyncConnection = await psycopg.AsyncConnection.connect(
            **connection_parameters(), autocommit=True
        )
        self._connection = opened
        [[pid]] = await self._send(opened, b"SELECT pg_backend_pid()")
        if int(pid) == opened.info.backend_pid:
            await self._send(opened, _TIMEOUTS)
            await self._send(opened, b"PREPARE %b (json, bytea) AS %b" % (PREPARED, INSERT))
            self._direct = True
        return opened


def parameters(
    arrivals: Sequence[Arrival], times: Sequence[int], dictionary: int = WRITTEN
) -> tuple[bytes, bytes]:
    """Return the parameters of both statements: the columns as JSON, and all bodies in one."""
    bodies = [compress(arrival.body, dictionary) for arrival in arrivals]
    columns = rows.of(arrivals, times)
    start = 1
    for row, body in zip(columns, bodies, strict=True):
        row["body_start"], row["body_length"] = start, len(body)
        start += len(body)
    return to_json(columns, bytes_mode="hex"), b"".join(bodies)


_FORMATS = (Format.TEXT, Format.BINARY)
_TIMEOUTS = (
    f"SELECT set_config('lock_timeout', '{settings.INTAKE_LOCK_TIMEOUT}', false), "
    f"set_config('statement_timeout', '{settings.INTAKE_STATEMENT_TIMEOUT}', false)"
).encode()
