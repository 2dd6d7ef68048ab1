"""The time that each statement of this process may take, and the end of all when the process ends.

The receiver and the console import this on SQLite, too, so it does not load psycopg.
"""

import logging
import threading
from typing import TYPE_CHECKING
from weakref import WeakSet

if TYPE_CHECKING:
    from database.postgresql.base import Connection

logger = logging.getLogger(__name__)

# Seconds for the answer to one statement: less than a lease.
ANSWER_WITHIN = 20.0

seconds: float | None = ANSWER_WITHIN
ended = False
_opened: "WeakSet[Connection]" = WeakSet()
_lock = threading.Lock()


def answer_within(limit: float | None) -> None:
    """Limit the time of each statement of this process to so many seconds; None removes the limit."""
    global seconds  # noqa: PLW0603 - one limit for the process
    seconds = limit


def opened(connection: "Connection") -> None:
    """Let `cut` end the statements of this connection."""
    with _lock:
        _opened.add(connection)


def cut() -> None:
    """End the statements under way, and let no thread connect again: the process is about to end."""
    global ended  # noqa: PLW0603 - as above
    with _lock:
        ended = True
        connections = list(_opened)
    if waiting := sum(one.waits() for one in connections):
        logger.warning("statements cut count=%d reason=the process ends", waiting)
    for one in connections:
        one.cut()
