"""Database access: a few threads with connections, coalesced calls, and statements for many rows."""

from database import lookups  # noqa: F401 - registers the lookups
from database.coalescing import Coalescer, outcomes
from database.threads import (
    answer_within,
    close,
    close_within,
    connection_lost,
    extend_lock_timeout,
    heal,
    in_orm_thread,
    run,
    use_asynchronous_commit,
)

__all__ = [
    "Coalescer",
    "answer_within",
    "close",
    "close_within",
    "connection_lost",
    "extend_lock_timeout",
    "heal",
    "in_orm_thread",
    "outcomes",
    "run",
    "use_asynchronous_commit",
]
