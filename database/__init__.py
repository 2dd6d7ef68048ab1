"""How work reaches the database: a few threads, concurrent calls made one, and statements for many rows."""

from database import lookups  # noqa: F401 - registers them
from database.coalescing import Coalescer
from database.threads import (
    answer_within,
    be_patient,
    close,
    close_within,
    connection_lost,
    heal,
    in_orm_thread,
    relax,
    run,
)

__all__ = [
    "Coalescer",
    "answer_within",
    "be_patient",
    "close",
    "close_within",
    "connection_lost",
    "heal",
    "in_orm_thread",
    "relax",
    "run",
]
