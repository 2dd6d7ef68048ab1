"""Django's backend for PostgreSQL, with a limit on the time that a statement waits for its answer."""

from database.postgresql.limits import answer_within, cut

__all__ = ["answer_within", "cut"]
