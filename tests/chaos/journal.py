"""A journal that handlers write and tests read: runs that began and ended, and effects.

The worker coalesces the writes. The clock is the database's.
"""

import os
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from typing import NamedTuple

from django.db import connection, transaction

from database import Coalescer
from handlers import DeliveryContext
from schemas.push import PushEvent
from tests.chaos import ledger

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


class Entry(NamedTuple):
    """One line. `at` is in seconds since 1970; `number` is the push's.

    `process` is the worker's id, also where its isolating process writes.
    """

    what: str
    guid: str
    repository: int
    number: int
    attempt: int
    process: int
    at: float = 0.0


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


@transaction.atomic
def _write(lines: Sequence[Entry]) -> Sequence[None]:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO journal (what, guid, repository, number, attempt, process) "
            "VALUES (%s, %s, %s, %s, %s, %s)",
            [line[:-1] for line in lines],
        )
    return [None] * len(lines)


@transaction.atomic
def _effect(guids: Sequence[str]) -> Sequence[None]:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO effect (guid) VALUES (%s) ON CONFLICT DO NOTHING",
            [(guid,) for guid in sorted(guids)],
        )
    return [None] * len(guids)


# The worker runs the isolating process as a module; arq's command is a script.
_worker = os.getppid() if sys.modules["__main__"].__spec__ else os.getpid()
_written = Coalescer(_write)
have_effect = Coalescer(_effect)


async def write(what: str, event: PushEvent, delivery: DeliveryContext) -> None:
    """Write a line; it is durable when this returns."""
    branch = event.ref.rpartition("/")[2]
    number = int(branch) if branch.isdecimal() else -1
    line = Entry(what, str(delivery.guid), event.repository.id, number, delivery.attempt, _worker)
    await _written(line)
