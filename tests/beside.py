"""Another connection to the database of the run, as another process has one."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
from django.db import connection

from receiver.postgresql import connection_parameters


@contextmanager
def connected() -> "Iterator[sqlite3.Connection | psycopg.Connection[Any]]":
    """Connect; each statement is committed by itself, unless it follows BEGIN."""
    if connection.vendor == "postgresql":
        with psycopg.connect(**connection_parameters(), autocommit=True) as server:
            yield server
    else:
        with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as lite:
            yield lite


def lock(other: "sqlite3.Connection | psycopg.Connection[Any]", table: str) -> None:
    """Let others read this table and write nothing into it, until ROLLBACK or COMMIT."""
    if isinstance(other, sqlite3.Connection):
        other.execute("BEGIN IMMEDIATE")
    else:
        other.execute("BEGIN")
        other.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE".encode())


@contextmanager
def locked(table: str) -> Iterator[None]:
    """Hold the lock during the context."""
    with connected() as other:
        lock(other, table)
        yield
        other.execute("ROLLBACK")
