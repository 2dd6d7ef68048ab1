"""A session of PostgreSQL whose socket the event loop watches all the time.

psycopg's `wait` watches the socket anew for each statement, with several system calls and a timer. That is
several percent of the receiver's CPU: docs/decisions/0073.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Sequence

import psycopg
from psycopg import errors, generators
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult

# Seconds for the answer to a statement, before the connection is cut. With `connect_timeout` it is less than
# the time in which intake answers the sender.
ANSWER_WITHIN = 5.0
# Of parameters: the first is a text, the second binary.
FORMATS = (Format.TEXT, Format.BINARY)


class SlowError(psycopg.OperationalError):
    """The server did not answer in time."""


class Session:
    """An open connection. It runs one statement at a time, and raises psycopg's errors."""

    def __init__(self, opened: psycopg.AsyncConnection) -> None:
        self._opened = opened
        self._pgconn = opened.pgconn
        self._loop = asyncio.get_running_loop()
        # A descriptor of its own: libpq closes its descriptor after an error, and the loop would then watch
        # whatever gets the same number next.
        self._socket = socket.socket(fileno=os.dup(opened.fileno()))
        self._answer: asyncio.Future[None] | None = None
        self._loop.add_reader(self._socket, self._read)

    @property
    def closed(self) -> bool:
        """Return whether the connection is closed, by either side."""
        return self._opened.closed

    async def execute(self, statement: bytes, values: Sequence[bytes] = ()) -> list[list[str]]:
        """Return the rows of a statement as text, an empty one for null."""
        formats = FORMATS[: len(values)]
        return await self._run(lambda: self._pgconn.send_query_params(statement, values, None, formats))

    async def execute_prepared(self, name: bytes, values: Sequence[bytes]) -> list[list[str]]:
        """Return the rows of a prepared statement, as `execute` does."""
        return await self._run(lambda: self._pgconn.send_query_prepared(name, values, FORMATS))

    def close(self) -> None:
        """Close the connection without waiting for the server; a statement under way fails."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()
            self._pgconn.finish()
        self._wake(psycopg.OperationalError("the connection was closed"))

    async def _run(self, send: Callable[[], None]) -> list[list[str]]:
        """Send a statement and return its rows; cut a connection that is too slow.

        After a cancellation the connection is closed: psycopg would send a cancel request to the same server,
        and wait for it.
        """
        slow = False

        def cut() -> None:
            nonlocal slow
            slow = True
            self._socket.shutdown(socket.SHUT_RDWR)

        timer = self._loop.call_later(ANSWER_WITHIN, cut)
        try:
            send()
            if self._pgconn.flush():  # the rest is sent while the server reads
                await self._opened.wait(generators.send(self._pgconn))
            result = await self._result()
            while await self._result() is not None:
                pass
        except psycopg.Error as error:
            self.close()
            if slow:
                raise SlowError("no answer in time") from error
            raise
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            timer.cancel()
        return _rows(result)

    async def _result(self) -> PGresult | None:
        """Return the next result of a statement, None at its end."""
        if self._pgconn.is_busy():
            self._answer = self._loop.create_future()
            await self._answer
        return self._pgconn.get_result()

    def _read(self) -> None:
        """Take what the server sent. Between statements, that is a message or the end of the connection."""
        try:
            self._pgconn.consume_input()
        except psycopg.OperationalError as error:
            self._wake(error)
            self.close()
        else:
            if not self._pgconn.is_busy():
                self._wake()

    def _wake(self, error: Exception | None = None) -> None:
        if self._answer is None or self._answer.done():
            return
        if error is None:
            self._answer.set_result(None)
        else:
            self._answer.set_exception(error)


def _rows(result: PGresult | None) -> list[list[str]]:
    if result is None:
        raise psycopg.OperationalError("the connection was lost")
    if result.status == ExecStatus.FATAL_ERROR:
        raise errors.error_from_result(result)
    columns = range(result.nfields)
    return [
        [(result.get_value(row, column) or b"").decode() for column in columns]
        for row in range(result.ntuples)
    ]
