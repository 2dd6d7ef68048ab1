"""Wait for SQLite's lock in Python, in short attempts.

SQLite's own busy timeout waits with the connection's mutex held. When Python's garbage collector finalizes a
cursor of that connection in another thread, that thread waits for the mutex. If it holds the database's write
lock, both wait until the timeout ends, and a free database counts as locked.
"""

import sqlite3
import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.db.backends.sqlite3 import base

Result = TypeVar("Result")

SQLITE_BUSY_TIMEOUT = 10  # milliseconds that SQLite itself waits in one attempt
ATTEMPT_INTERVAL = 0.01  # seconds
# Seconds that a statement waits where OPTIONS sets no `timeout`: the default of Python's sqlite3.
DEFAULT_LOCK_TIMEOUT = 5.0


class Cursor(base.SQLiteCursorWrapper):
    """A cursor whose statements wait for the lock. A statement that did not get the lock has done nothing."""

    def execute(self, query: str, params: Any = None) -> Any:
        """Run one statement, retrying while another connection holds the lock."""
        return self._wait(lambda: super(Cursor, self).execute(query, params))

    def executemany(self, query: str, param_list: Any) -> Any:
        """Run a statement for many rows. Call it only in a transaction, which already holds the lock."""
        return self._wait(lambda: super(Cursor, self).executemany(query, param_list))

    def _wait(self, attempt: Callable[[], Result]) -> Result:
        connection: Connection = self.connection  # type: ignore[assignment] # `get_new_connection` makes no other
        return connection.wait(attempt)


class Connection(sqlite3.Connection):
    """A connection with the time that its statements wait for the lock, in seconds."""

    lock_timeout: float = DEFAULT_LOCK_TIMEOUT

    def wait(self, attempt: Callable[[], Result]) -> Result:
        """Return the result of an attempt, retrying while another connection holds the lock."""
        deadline = time.monotonic() + self.lock_timeout
        while True:
            try:
                return attempt()
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() > deadline:
                    raise
            time.sleep(ATTEMPT_INTERVAL)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's wrapper with cursors that wait for `OPTIONS["timeout"]` seconds."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> sqlite3.Connection:
        """Connect, with the timeout applied by the cursors instead of SQLite."""
        connection: Connection = super().get_new_connection({**conn_params, "factory": Connection})
        connection.execute(f"PRAGMA busy_timeout = {SQLITE_BUSY_TIMEOUT}")
        connection.lock_timeout = conn_params.get("timeout", DEFAULT_LOCK_TIMEOUT)
        return connection

    def create_cursor(self, name: str | None = None) -> Cursor:
        """Return a cursor that waits for the lock."""
        cursor: Cursor = self.connection.cursor(factory=Cursor)
        return cursor
