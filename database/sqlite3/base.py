"""Waits for SQLite's lock in Python, in short attempts.

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

ATTEMPT = 10  # milliseconds that SQLite itself waits
PAUSE = 0.01  # seconds between attempts
# Seconds that a statement waits where OPTIONS name no `timeout`: the default of Python's sqlite3.
TIMEOUT = 5.0


class Cursor(base.SQLiteCursorWrapper):
    """A cursor whose statements wait for the lock. A statement that was refused the lock has done nothing."""

    def execute(self, query: str, params: Any = None) -> Any:
        """Run one statement, trying again while another connection holds the lock."""
        return self._wait(lambda: super(Cursor, self).execute(query, params))

    def executemany(self, query: str, param_list: Any) -> Any:
        """Run a statement for many rows; only in a transaction, which holds the lock already."""
        return self._wait(lambda: super(Cursor, self).executemany(query, param_list))

    def _wait(self, attempt: Callable[[], Result]) -> Result:
        deadline = time.monotonic() + getattr(self.connection, "patience", TIMEOUT)
        while True:
            try:
                return attempt()
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() > deadline:
                    raise
            time.sleep(PAUSE)


class Connection(sqlite3.Connection):
    """A connection that knows how long its statements wait, in seconds."""

    patience: float = TIMEOUT


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's wrapper, with cursors that wait as `OPTIONS["timeout"]` says."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> sqlite3.Connection:
        """Connect; the timeout is the cursors', not SQLite's."""
        made: Connection = super().get_new_connection({**conn_params, "factory": Connection})
        made.execute(f"PRAGMA busy_timeout = {ATTEMPT}")
        made.patience = conn_params.get("timeout", TIMEOUT)
        return made

    def create_cursor(self, name: str | None = None) -> Cursor:
        """Return a cursor that waits."""
        made: Cursor = self.connection.cursor(factory=Cursor)
        return made
