"""The few threads in which a worker's database work is done, each with a Django connection of its own.

Left to asgiref, all of a process's ORM would be done in one thread, one statement after the other. More
than a few threads would be more connections than a database server likes. See docs/decisions/0010.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import cycle
from threading import Barrier
from typing import Any, ParamSpec, TypeVar
from weakref import WeakSet

import psycopg
from asgiref.sync import SyncToAsync, ThreadSensitiveContext, sync_to_async
from django.db import DEFAULT_DB_ALIAS, Error, InterfaceError, OperationalError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

logger = logging.getLogger(__name__)

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

# Together fewer than the pool of connections of `settings.database` holds.
THREADS = 3
LANES = 3

# Seconds that a worker waits for SQLite's lock. Leases are renewed often enough to outlast it.
LOCKED_WITHIN = 15.0

_executor: ThreadPoolExecutor | None = None
_answer_within: float | None = None
_ending = False
_opened: WeakSet[BaseDatabaseWrapper] = WeakSet()


def _note(connection: BaseDatabaseWrapper, **_: Any) -> None:
    _opened.add(connection)


connection_created.connect(_note)
_lanes = cycle([ThreadSensitiveContext() for _ in range(LANES)])


def be_patient() -> None:
    """On SQLite, wait for its lock longer than the receiver may, whose sender waits for the answer.

    To be called before a connection is opened.
    """
    if connection.vendor == "sqlite":
        connection.settings_dict["OPTIONS"]["timeout"] = LOCKED_WITHIN


def relax() -> None:
    """Let the transaction that is under way be committed before it is on the disk, where it can be.

    For what is as good as never done when the server crashes at that moment, and for what a later commit,
    which waits for the disk, brings there with itself: PostgreSQL's log is one.
    https://www.postgresql.org/docs/current/wal-async-commit.html
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit TO off")


async def run(
    function: Callable[Arguments, Result], *arguments: Arguments.args, **named: Arguments.kwargs
) -> Result:
    """Call `function` in one of the threads and give its result; Django's `connection` is there open.

    A connection that broke since its last use is replaced and `function` called once more, so that the
    restart of a server costs no work: it must be safe to run twice. Raises what it raises.
    """
    global _executor  # noqa: PLW0603 - the threads are the process's
    if _executor is None:
        _executor = ThreadPoolExecutor(_size(), thread_name_prefix="database")
    loop = asyncio.get_running_loop()
    used: list[BaseDatabaseWrapper] = []

    def call() -> Result:
        used.append(connections[DEFAULT_DB_ALIAS])
        return _call(function, *arguments, **named)

    timer = None if _answer_within is None else loop.call_later(_answer_within, _cut, used)
    try:
        return await loop.run_in_executor(_executor, call)
    finally:
        if timer is not None:
            timer.cancel()


def answer_within(seconds: float) -> None:
    """Cut the connection of a call of `run` that takes longer than this; the call then fails."""
    global _answer_within  # noqa: PLW0603 - as above
    _answer_within = seconds


def _cut(used: Iterable[BaseDatabaseWrapper]) -> None:
    """Shut the sockets down: asking a server that does not answer to cancel would wait for its answer."""
    for wrapper in used:
        opened = wrapper.connection
        if isinstance(opened, psycopg.Connection) and not opened.closed:
            with suppress(OSError), socket.socket(fileno=os.dup(opened.fileno())) as shared:
                shared.shutdown(socket.SHUT_RDWR)


def _size() -> int:
    # SQLite has one writer at a time: a second thread would only wait for the first one's lock.
    return THREADS if connection.vendor == "postgresql" else 1


def _call(
    function: Callable[Arguments, Result], *arguments: Arguments.args, **named: Arguments.kwargs
) -> Result:
    reused = connection.connection is not None
    try:
        return function(*arguments, **named)
    except (OperationalError, InterfaceError):
        if connection.connection is not None and connection.is_usable():
            raise
        connection.close()
        if not reused or _ending:
            raise
    return function(*arguments, **named)


async def in_orm_thread(work: Awaitable[Result]) -> Result:
    """Await `work` with a thread for its asynchronous ORM calls that only some of the others share.

    To be called in a task of its own, whose context it changes.
    """
    SyncToAsync.thread_sensitive_context.set(next(_lanes))
    return await work


def connection_lost(error: BaseException) -> bool:
    """Whether this is about the connection to PostgreSQL, and not about a statement.

    Classes 08 and 57P of https://www.postgresql.org/docs/current/errcodes-appendix.html, or no answer at all.
    """
    cause = error.__cause__ if isinstance(error, Error) else error
    if not isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    return cause.sqlstate is None or cause.sqlstate.startswith(("08", "57P"))


async def heal() -> None:
    """Close the connection of the current task's ORM thread if it broke; the next call opens another."""
    await sync_to_async(_close_if_broken)()


def _close_if_broken() -> None:
    if connection.connection is not None and not connection.is_usable():
        connection.close()


def close() -> None:
    """End the threads, once they have done what they do, and with them their connections."""
    global _executor  # noqa: PLW0603 - as above
    if _executor is not None:
        # Who has closed its connection waits for the others, so that each thread takes one of these.
        met = Barrier(_size())
        for _ in range(met.parties):
            _executor.submit(_disconnect, met)
        _executor.shutdown()
        _executor = None


async def close_within(seconds: float) -> None:
    """Run `close`, and cut the connections of threads that have not ended after so many seconds."""
    global _ending  # noqa: PLW0603 - as above
    closing = asyncio.ensure_future(asyncio.to_thread(close))
    await asyncio.wait({closing}, timeout=seconds)
    if not closing.done():
        logger.error("database connections cut reason=no answer")
        _ending = True
        _cut(list(_opened))
        await asyncio.wait({closing}, timeout=seconds)


def _disconnect(met: Barrier) -> None:
    connection.close()  # looked up here, for every thread has a connection of its own
    met.wait()
