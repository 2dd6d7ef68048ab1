"""A lock that one process in a whole installation holds, such as the one that migrates.

The database itself holds it, so it ends with its holder, however that ends.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.db.backends.base.base import BaseDatabaseWrapper

# Any number, as long as nothing else in the same database locks it: "hkmi" in ASCII.
KEY = 0x686B6D69
RETRY_EVERY = 0.2  # seconds


@contextmanager
def lock(connection: BaseDatabaseWrapper, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of the database that `connection` leads to; wait for it as long as another holds it.

    `on_wait` is called once when there is somebody to wait for. Raises `django.db.Error` when PostgreSQL does
    not answer, and `OSError` when the folder of SQLite's file cannot be opened.
    """
    locking = _postgresql if connection.vendor == "postgresql" else _sqlite
    with locking(connection) as acquired:
        if not acquired():
            on_wait()
            while not acquired():
                time.sleep(RETRY_EVERY)
        yield


@contextmanager
def _postgresql(connection: BaseDatabaseWrapper) -> Iterator[Callable[[], bool]]:
    """Try an advisory lock in a transaction of its own, which a pooler cannot move to another session.

    Waiting inside PostgreSQL would hold a snapshot that CREATE INDEX CONCURRENTLY waits for:
    https://www.postgresql.org/docs/current/sql-createindex.html
    """
    with closing(connection.copy()) as own:
        own.set_autocommit(False)

        def acquired() -> bool:
            own.rollback()
            with own.cursor() as cursor:
                # The transaction is idle for as long as the holder works on its other connection.
                cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
                cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [KEY])
                return bool(cursor.fetchone()[0])

        yield acquired


@contextmanager
def _sqlite(connection: BaseDatabaseWrapper) -> Iterator[Callable[[], bool]]:
    """Try a lock on the file's folder: one on the file itself would get in the way of SQLite's own."""
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
