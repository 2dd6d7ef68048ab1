"""Reads the journal of the handlers, `written`: runs that began and ended, and effects."""

import sqlite3
from contextlib import closing

from tests.chaos import ledger
from tests.chaos.written import Entry

_SQLITE = """
CREATE TABLE journal (
    id integer PRIMARY KEY, at real DEFAULT ((julianday('now') - 2440587.5) * 86400.0),
    what text, guid text, repository bigint, number bigint, attempt integer, process integer);
CREATE TABLE effect (guid text PRIMARY KEY);
"""
_POSTGRESQL = """
CREATE TABLE journal (
    id bigserial PRIMARY KEY, at double precision DEFAULT extract(epoch FROM clock_timestamp()),
    what text, guid text, repository bigint, number bigint, attempt integer, process integer);
CREATE TABLE effect (guid text PRIMARY KEY);
"""


def create(url: str) -> None:
    """Create the tables of the journal."""
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(ledger.sqlite_path(url))) as lite:
            lite.executescript(_SQLITE)
    else:
        ledger.execute(url, _POSTGRESQL)


def entries(url: str, *what: str) -> list[Entry]:
    """Return all lines of these kinds in the order of writing."""
    columns, kinds = ", ".join(Entry._fields), ", ".join(f"'{kind}'" for kind in what)
    rows = ledger.execute(url, f"SELECT {columns} FROM journal WHERE what IN ({kinds}) ORDER BY id")
    return [Entry(*row) for row in rows]


def effects(url: str) -> int:
    """Return how many guids had their effect."""
    return int(ledger.execute(url, "SELECT count(*) FROM effect")[0][0])
