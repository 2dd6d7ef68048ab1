"""Limit the time that a statement waits for its answer.

A server that hangs keeps its connections, and its kernel acknowledges what is sent. Neither libpq's timeouts
nor `statement_timeout`, which the server itself applies, end a statement then. The client has to, or the
thread waits for ever, and the interpreter waits for the thread when the process ends.
"""

import os
import socket
from contextlib import suppress
from typing import Any, Self, TypeVar

import psycopg
from django.db.backends.postgresql import base
from psycopg import IsolationLevel, errors
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.types.json import set_json_loads
from pydantic_core import from_json

from database.postgresql import limits

Result = TypeVar("Result")

# Seconds for the server to take the request to end such a statement.
CANCEL_WITHIN = 1.0
# Seconds between two looks of a thread that waits, such as for Ctrl-C: psycopg's default.
INTERVAL = 0.1

# Three times as fast as the standard library. Django's own queries decode JSON themselves.
set_json_loads(from_json)


class Connection(psycopg.Connection[Any]):
    """A connection that is closed when the server does not answer a statement in time."""

    @classmethod
    def connect(cls, conninfo: str = "", **parameters: Any) -> Self:
        """Connect. Raises `psycopg.OperationalError`, also after `cut`."""
        made = super().connect(conninfo, **parameters)
        limits.opened(made)
        _refuse_at_end()
        return made

    def wait(self, gen: PQGen[Result], interval: float = INTERVAL, timeout: float | None = None) -> Result:
        """Wait for an answer. Raises `psycopg.OperationalError` when there is none in time."""
        limit = limits.seconds if timeout is None else timeout
        try:
            return super().wait(gen, interval, limit)
        except errors._WaitTimeout:  # psycopg's docstring of `wait` names it
            self._give_up()
            raise psycopg.OperationalError(f"no answer within {limit:g} seconds") from None

    @property
    def in_transaction(self) -> bool:
        """Return whether a transaction is open, under the name of the attribute of `sqlite3.Connection`."""
        return self.pgconn.transaction_status not in (TransactionStatus.IDLE, TransactionStatus.UNKNOWN)

    def waits(self) -> bool:
        """Return whether a statement waits for its answer."""
        return self.pgconn.transaction_status == TransactionStatus.ACTIVE

    def cut(self) -> None:
        """Shut down the socket. A cancel request would wait for the server that does not answer."""
        with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(self.fileno())) as shared:
            shared.shutdown(socket.SHUT_RDWR)

    def _give_up(self) -> None:
        """Close the connection. A server that is only slow ends the statement and releases its locks."""
        # Without libpq 17, a cancel request waits for ever for a server that hangs.
        if psycopg.capabilities.has_cancel_safe():
            with suppress(psycopg.Error):
                self.cancel_safe(timeout=CANCEL_WITHIN)
        self.pgconn.finish()


def _refuse_at_end() -> None:
    if limits.ended:
        raise psycopg.OperationalError("not connected: the process ends")


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's wrapper with such connections, of its pool or without one.

    It checks what the pool returns. The pool's own check pauses for 1, 2, 4 seconds after each one that was
    cut, so after a restart of PostgreSQL a few of them take all the time that a caller may wait.
    """

    @property
    def pool(self) -> Any:
        """Return the pool of this process; None without one."""
        if options := self.settings_dict["OPTIONS"].get("pool"):
            options.setdefault("connection_class", Connection)
        return super().pool

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a connection. After `cut` it fails at once, where a pool would retry for a few seconds."""
        _refuse_at_end()
        if self.pool:
            return self._checked(conn_params)
        self.isolation_level = IsolationLevel.READ_COMMITTED  # as Django's own does without that option
        return Connection.connect(**conn_params)

    def _checked(self, conn_params: dict[str, Any]) -> Any:
        """Return a connection of the pool that works. Raises the error of the last one that was tried."""
        for left in reversed(range(self.pool.max_size + 1)):  # one more than can have been cut
            given = super().get_new_connection(conn_params)
            try:
                self.pool.check_connection(given)
            except psycopg.Error:
                self.pool.putconn(given)
                if not left:
                    raise
            else:
                break
        return given
