"""Database access: a few threads with connections, coalesced calls, and statements for many rows."""

from database import lookups  # noqa: F401 - registers the lookups
from database.coalescing import Coalescer, is_outage, outcomes
from database.threads import (
    Threads,
    choose_orm_thread,
    close,
    close_within,
    configure_worker_connections,
    connection_lost,
    run,
    run_to_end,
)

__all__ = [
    "Coalescer",
    "Threads",
    "choose_orm_thread",
    "close",
    "close_within",
    "configure_worker_connections",
    "connection_lost",
    "is_outage",
    "outcomes",
    "run",
    "run_to_end",
]
