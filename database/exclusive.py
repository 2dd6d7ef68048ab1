"""A lock that one process of an installation can hold, such as the process that migrates.

The database or the kernel releases it when the process ends, even by SIGKILL.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.db.backends.base.base import BaseDatabaseWrapper

# An arbitrary number that no other advisory lock of the database uses: "hkmi" in ASCII.
KEY = 0x686B6D69
LOCK_POLL_INTERVAL = 0.2  # seconds


@contextmanager
def lock(connection: BaseDatabaseWrapper, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of the database of `connection`; wait while another process holds it.

    Calls `on_wait` once before it waits. Raises `django.db.Error` when PostgreSQL does
    not answer, and `OSError` when the folder of SQLite's file cannot be opened.
    """
    locking = _postgresql if connection.vendor == "postgresql" else _sqlite
    with locking(connection) as acquired:
        if not acquired():
            on_wait()
            while not acquired():
                time.sleep(LOCK_POLL_INTERVAL)
        yield


@contextmanager
def _postgresql(connection: BaseDatabaseWrapper) -> Iterator[Callable[[], bool]]:
    """Try an advisory lock in its own transaction, which a pooler cannot move to another session.

    Waiting inside PostgreSQL would hold a snapshot that CREATE INDEX CONCURRENTLY waits for:
    https://www.postgresql.org/docs/current/sql-createindex.html
    """
    with closing(connection.copy()) as own:
        own.set_autocommit(False)

        def acquired() -> bool:
            own.rollback()
            with own.cursor() as cursor:
                # The transaction stays idle while the holder works on its other connection.
                cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
                cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [KEY])
                return bool(cursor.fetchone()[0])

        yield acquired


@contextmanager
def _sqlite(connection: BaseDatabaseWrapper) -> Iterator[Callable[[], bool]]:
    """Try a lock on the folder of the file: a lock on the file itself would conflict with SQLite's."""
    descriptor = os.open(Path(connection.settings_dict["NAME"]).parent, os.O_RDONLY)

    def acquired() -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    try:
        yield acquired
    finally:
        os.close(descriptor)
