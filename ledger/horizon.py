"""Finds the horizon: the id up to which no further delivery can appear, so a reader by id misses none.

PostgreSQL assigns an id to a row before its transaction commits, so a lower id can become visible after a
higher one.
"""

from django.db import connection

from receiver.models import Delivery

# A transaction holds this lock from before it takes an id until after its rows are visible, so the ids that
# are missing below the newest one belong to these transactions, or were never committed:
# https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES
_WRITERS = """
SELECT DISTINCT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND granted
    AND relation = 'receiver_delivery'::regclass
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class Horizon:
    """Advances when the transactions end that may hold a lower id. It locks nothing and does not wait."""

    def __init__(self) -> None:
        self._reached = 0
        self._newest = 0
        self._writers: frozenset[str] = frozenset()

    @property
    def blocked(self) -> bool:
        """Whether a transaction was under way that may still add a delivery below the newest one."""
        return bool(self._writers)

    def look(self) -> int:
        """Return the horizon of this moment. Call it outside of a transaction. Raises `django.db.Error`."""
        if self._writers:
            self._writers &= _writers()
            if self._writers:
                return self._reached
            self._reached = self._newest
        # The order matters: a transaction that begins after the first statement takes a higher id.
        self._newest = Delivery.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        self._writers = _writers()
        if not self._writers:
            self._reached = self._newest
        return self._reached


def _writers() -> frozenset[str]:
    """Return the transactions that write deliveries; none on SQLite, where one writes at a time."""
    if connection.vendor != "postgresql":
        return frozenset()
    with connection.cursor() as cursor:
        cursor.execute(_WRITERS)
        return frozenset(name for (name,) in cursor.fetchall())
