"""How work reaches the database: a few threads, concurrent calls made one, and statements for many rows."""

from database import lookups  # noqa: F401 - registers them
from database.coalescing import Coalescer
from database.threads import be_patient, close, in_lane, relax, run

__all__ = ["Coalescer", "be_patient", "close", "in_lane", "relax", "run"]
