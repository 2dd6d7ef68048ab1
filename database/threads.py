"""The thread pool of a worker's database work; each thread has its own Django connection.

asgiref runs all ORM calls of a process in one thread, one statement after the other. The number of threads is
small because each holds a connection of the database server. See docs/decisions/0010.
"""

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from asgiref.sync import SyncToAsync, ThreadSensitiveContext
from django.db import (
    DEFAULT_DB_ALIAS,
    Error,
    InterfaceError,
    NotSupportedError,
    OperationalError,
    connection,
    connections,
)
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.transaction import TransactionManagementError

from database import postgresql

if TYPE_CHECKING:
    import psycopg

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

# Each has one connection.
THREADS = 3
ORM_THREADS = 3

# Executions before psycopg prepares a statement by itself, which is never. `row_sets.execute` asks for it.
PREPARED_AFTER = 1_000_000_000

# Seconds that a worker waits for SQLite's lock. Leases are renewed early enough to outlast it.
LOCK_TIMEOUT = 15.0

# Seconds without a call after which a thread checks its connection, as it does after an error. Servers and
# firewalls cut connections that are idle for minutes, and a handler would run twice.
CHECK_AFTER = 60.0


class _LastCall(threading.local):
    ended = 0.0  # by this thread, by `time.monotonic()`


_last_call = _LastCall()


class Threads(ThreadPoolExecutor):
    """Threads whose calls share no transaction: the writes of one would be lost with another's rollback."""

    def submit(
        self, function: Callable[Arguments, Result], /, *arguments: Arguments.args, **named: Arguments.kwargs
    ) -> "Future[Result]":
        """Call the function in a thread, in a transaction of its own if it opens one."""
        return super().submit(_in_own_transaction, function, *arguments, **named)


def _in_own_transaction(
    function: Callable[Arguments, Result], /, *arguments: Arguments.args, **named: Arguments.kwargs
) -> Result:
    own = connections[DEFAULT_DB_ALIAS]  # each look through `connection` costs as much
    if own.errors_occurred or time.monotonic() > _last_call.ended + CHECK_AFTER:
        own.errors_occurred = False
        if own.connection is not None and not own.is_usable():
            own.close()
    try:
        result = function(*arguments, **named)
    except StopIteration as error:  # Python before 3.12 cannot set it, and the caller would wait for ever
        raise RuntimeError("the call raised StopIteration") from error
    finally:
        _last_call.ended = time.monotonic()
        opened = own.connection
        left_open = own.in_atomic_block or (
            opened is not None and (opened.in_transaction or not own.autocommit)
        )
        if left_open:
            # Within an atomic block, Django would keep the closed connection.
            own.in_atomic_block = own.closed_in_transaction = False
            own.close()
    if left_open:
        raise TransactionManagementError("rolled back: the call did not end its transaction")
    return result


_executor: Threads | None = None
_prepares = False


def _prepare_if_direct(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Let statements have names on the server, unless a pooler may pass its connection to other clients.

    Each use is planned: a plan that PostgreSQL keeps may read the whole of a table that was small.
    """
    if not _prepares or connection.vendor != "postgresql":
        return
    opened: psycopg.Connection = connection.connection
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        if opened.prepare_threshold is None and cursor.fetchone() == (opened.info.backend_pid,):
            cursor.execute("SET plan_cache_mode TO force_custom_plan")
            opened.prepare_threshold = PREPARED_AFTER


connection_created.connect(_prepare_if_direct)


def _orm_thread() -> ThreadSensitiveContext:
    context = ThreadSensitiveContext()
    SyncToAsync.context_to_thread_executor[context] = Threads(1)
    return context


_orm_threads = cycle([_orm_thread() for _ in range(ORM_THREADS)])


def configure_worker_connections(loop: asyncio.AbstractEventLoop) -> None:
    """Use no pool and prepare statements on PostgreSQL; wait longer for SQLite's lock.

    Call it before a connection is opened. A worker's threads keep their connections, also those in which the
    `loop` runs calls of `asyncio.to_thread`. The pool could replace a connection that was cut by another one
    that does not answer either. The receiver waits less long for SQLite, because it must answer.
    """
    global _prepares  # noqa: PLW0603 - for all connections of the process
    _prepares = True
    loop.set_default_executor(Threads(thread_name_prefix="asyncio"))
    if connection.vendor == "sqlite":
        connection.settings_dict["OPTIONS"]["timeout"] = LOCK_TIMEOUT
    else:
        connection.settings_dict["OPTIONS"].pop("pool", None)


async def run(
    function: Callable[Arguments, Result], *arguments: Arguments.args, **named: Arguments.kwargs
) -> Result:
    """Call `function` in a database thread and return its result. Raises what `function` raises.

    If the connection broke since its last use, it is replaced and `function` is called again, so that a
    restarted server costs no work. `function` must be safe to run twice.
    """
    global _executor  # noqa: PLW0603 - one pool for the process
    if _executor is None:
        _executor = Threads(_size(), thread_name_prefix="database")
    call = partial(_call, function, *arguments, **named)
    return await asyncio.get_running_loop().run_in_executor(_executor, call)


async def run_to_end(
    function: Callable[Arguments, Result], *arguments: Arguments.args, **named: Arguments.kwargs
) -> Result:
    """Do the same, but when cancelled, end only after `function`, so that the caller can undo what it did."""
    call = asyncio.ensure_future(run(function, *arguments, **named))
    try:
        return await asyncio.shield(call)
    except asyncio.CancelledError:
        await asyncio.gather(call, return_exceptions=True)
        raise


def _size() -> int:
    # SQLite has one writer at a time, so a second thread would only wait for the lock.
    return THREADS if connection.vendor == "postgresql" else 1


def _call(
    function: Callable[Arguments, Result], *arguments: Arguments.args, **named: Arguments.kwargs
) -> Result:
    reused = connection.connection is not None
    try:
        return function(*arguments, **named)
    except (OperationalError, InterfaceError, NotSupportedError) as error:
        # A migration that changes a column makes the prepared statements that return it unusable.
        changed = isinstance(error, NotSupportedError)
        if not changed and connection.connection is not None and connection.is_usable():
            raise
        connection.close()
        if not reused:
            raise
    return function(*arguments, **named)


def choose_orm_thread() -> None:
    """Run further asynchronous ORM calls of the current task in one of the `ORM_THREADS`, in turn."""
    SyncToAsync.thread_sensitive_context.set(next(_orm_threads))


def connection_lost(error: BaseException) -> bool:
    """Return whether the error concerns the connection to PostgreSQL and not a statement.

    That is an error without a code, or of class 08 or 57P:
    https://www.postgresql.org/docs/current/errcodes-appendix.html
    """
    # On SQLite, psycopg is loaded only by a handler that opens its own connection.
    if (loaded := sys.modules.get("psycopg")) is None:
        return False
    cause = error.__cause__ if isinstance(error, Error) else error
    if not isinstance(cause, loaded.OperationalError | loaded.InterfaceError):
        return False
    return cause.sqlstate is None or cause.sqlstate.startswith(("08", "57P"))


def close() -> None:
    """Close the connections and end the threads, once their current calls have returned."""
    global _executor  # noqa: PLW0603 - as above
    if _executor is not None:
        # Each call waits for the others after it has closed its connection, so every thread takes one.
        met = threading.Barrier(_size())
        for _ in range(met.parties):
            _executor.submit(_disconnect, met)
        _executor.shutdown()
        _executor = None


async def close_within(seconds: float) -> None:
    """Run `close`; cut the statements of threads that have not ended within so many seconds."""
    # Handlers may hold all threads of `to_thread`.
    closing = asyncio.get_running_loop().run_in_executor(ThreadPoolExecutor(1), close)
    await asyncio.wait({closing}, timeout=seconds)
    if not closing.done():
        postgresql.cut()
        await asyncio.wait({closing}, timeout=seconds)


def _disconnect(met: threading.Barrier) -> None:
    try:
        connection.close()  # Django looks up the connection of the current thread
    finally:
        met.wait()
