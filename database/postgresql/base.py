"""Limit the time that a statement waits for its answer.

A server that hangs keeps its connections, and its kernel acknowledges what is sent. Neither libpq's timeouts
nor `statement_timeout`, which the server itself applies, end a statement then. The client has to, or the
thread waits for ever, and the interpreter waits for the thread when the process ends.
"""

import logging
import os
import socket
import threading
from contextlib import suppress
from typing import Any, Self, TypeVar
from weakref import WeakSet

import psycopg
from django.db.backends.postgresql import base
from psycopg import IsolationLevel, errors
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

# Seconds for the answer to one statement: less than a lease.
ANSWER_WITHIN = 20.0
# Seconds for the server to take the request to end such a statement.
CANCEL_WITHIN = 1.0
# Seconds between two looks of a thread that waits, such as for Ctrl-C: psycopg's default.
INTERVAL = 0.1

_answer_within: float | None = ANSWER_WITHIN
_opened: "WeakSet[Connection]" = WeakSet()
_lock = threading.Lock()
_ended = False


def answer_within(seconds: float | None) -> None:
    """Limit the time of each statement of this process; None removes the limit."""
    global _answer_within  # noqa: PLW0603 - one limit for the process
    _answer_within = seconds


def cut() -> None:
    """End the statements under way, and let no thread connect again: the process is about to end.

    It shuts down the sockets. A cancel request would wait for the server that does not answer.
    """
    global _ended  # noqa: PLW0603 - as above
    with _lock:
        _ended = True
        opened = list(_opened)
    waiting = [one for one in opened if one.pgconn.transaction_status == TransactionStatus.ACTIVE]
    if waiting:
        logger.warning("statements cut count=%d reason=the process ends", len(waiting))
    for one in opened:
        with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(one.fileno())) as shared:
            shared.shutdown(socket.SHUT_RDWR)


class Connection(psycopg.Connection[Any]):
    """A connection that is closed when the server does not answer a statement in time."""

    @classmethod
    def connect(cls, conninfo: str = "", **parameters: Any) -> Self:
        """Connect. Raises `psycopg.OperationalError`, also after `cut`."""
        made = super().connect(conninfo, **parameters)
        with _lock:
            _opened.add(made)
            _refuse_at_end()
        return made

    def wait(self, gen: PQGen[Result], interval: float = INTERVAL, timeout: float | None = None) -> Result:
        """Wait for an answer. Raises `psycopg.OperationalError` when there is none in time."""
        limit = _answer_within if timeout is None else timeout
        try:
            return super().wait(gen, interval, limit)
        except errors._WaitTimeout:  # psycopg's docstring of `wait` names it
            self._give_up()
            raise psycopg.OperationalError(f"no answer within {limit:g} seconds") from None

    def _give_up(self) -> None:
        """Close the connection. A server that is only slow ends the statement and releases its locks."""
        # Without libpq 17, a cancel request waits for ever for a server that hangs.
        if psycopg.capabilities.has_cancel_safe():
            with suppress(psycopg.Error):
                self.cancel_safe(timeout=CANCEL_WITHIN)
        self.pgconn.finish()


def _refuse_at_end() -> None:
    if _ended:
        raise psycopg.OperationalError("not connected: the process ends")


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's wrapper with such connections, of its pool or without one."""

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
            return super().get_new_connection(conn_params)
        self.isolation_level = IsolationLevel.READ_COMMITTED  # as Django's own does without that option
        return Connection.connect(**conn_params)
