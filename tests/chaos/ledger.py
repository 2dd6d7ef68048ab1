"""Read and write the database with a driver alone, without the code under test."""

import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import psycopg

from tests import processes, servers


def migrate(url: str, folder: Path = processes.ROOT) -> None:
    """Run the Procfile's `release:` line of this checkout on this database."""
    command = processes.PROCFILE["release"].replace("python", sys.executable, 1).split()
    subprocess.run(
        command,
        check=True,
        cwd=folder,
        env=processes.environment(DATABASE_URL=url),
        stdout=subprocess.DEVNULL,
    )


def sqlite_path(url: str) -> Path:
    """Return the file of a `sqlite:` URL."""
    return Path(url.removeprefix("sqlite:///"))


def named(url: str, name: str) -> str:
    """Return the URL of another database on the same PostgreSQL."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def copy(template: str, folder: Path | None) -> str:
    """Copy the template's tables into a database for one test; return its URL."""
    if template.startswith("sqlite:"):
        assert folder is not None
        path = folder / "chaos.sqlite3"
        shutil.copy(sqlite_path(template), path)
        return f"sqlite:///{path}"
    name = f"chaos_{uuid4().hex}"
    execute(template, f'CREATE DATABASE {name} TEMPLATE "{urlsplit(template).path[1:]}"', on="postgres")
    return named(template, name)


def drop(url: str) -> None:
    """Drop what `copy` created, where it is large.

    A SQLite file goes with its folder, and small databases with the server: each DROP waits for a checkpoint.
    """
    if servers.full_counts and not url.startswith("sqlite:"):
        execute(url, f"DROP DATABASE {urlsplit(url).path[1:]} WITH (FORCE)", on="postgres")


def execute(url: str, statement: str, on: str | None = None) -> list[tuple[Any, ...]]:
    """Run one statement in its own transaction; return its rows. `on` names another database."""
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(sqlite_path(url), timeout=30, isolation_level=None)) as lite:
            return lite.execute(statement).fetchall()
    with psycopg.connect(named(url, on) if on else url, autocommit=True) as server:
        cursor = server.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def update(url: str, pk: int, **columns: Any) -> None:
    """Change columns of one delivery."""
    mark = "?" if url.startswith("sqlite:") else "%s"
    statement = (
        f"UPDATE receiver_delivery SET {', '.join(f'{name} = {mark}' for name in columns)} WHERE id = {pk}"
    )
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(sqlite_path(url), timeout=30, isolation_level=None)) as lite:
            lite.execute(statement, tuple(columns.values()))
    else:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(statement.encode(), tuple(columns.values()))


def insert(url: str, table: str, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Commit rows of the same columns in one transaction; return their ids."""
    names, marks = ", ".join(rows[0]), ", ".join("?" if url.startswith("sqlite:") else "%s" for _ in rows[0])
    statement = f"INSERT INTO {table} ({names}) VALUES ({marks}) RETURNING id"
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(sqlite_path(url), timeout=30, isolation_level=None)) as lite:
            lite.execute("BEGIN IMMEDIATE")
            ids = [lite.execute(statement, list(map(_lite, row.values()))).fetchone()[0] for row in rows]
            lite.execute("COMMIT")
            return ids
    with psycopg.connect(url) as server:
        found = [server.execute(statement.encode(), list(row.values())).fetchone() for row in rows]
        return [row[0] for row in found if row]


def _lite(value: Any) -> Any:
    """Return a value as Django writes it into SQLite."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(" ")
    return value.hex if isinstance(value, UUID) else value


def statuses(url: str) -> Counter[str]:
    """Return how many deliveries have each status."""
    return Counter(dict(execute(url, "SELECT status, count(*) FROM receiver_delivery GROUP BY status")))


def seconds_to_settle(url: str) -> list[float]:
    """Return the seconds from receipt until settlement of every delivery."""
    seconds = "extract(epoch FROM finished_at - received_at)::double precision"
    if url.startswith("sqlite:"):
        seconds = "(julianday(finished_at) - julianday(received_at)) * 86400.0"
    return [row[0] for row in execute(url, f"SELECT {seconds} FROM receiver_delivery")]


def rows(url: str) -> dict[str, str]:
    """Return the status of every delivery by guid, where each guid has one hook."""
    found = execute(url, "SELECT guid, status FROM receiver_delivery")
    assert len(found) == len({guid for guid, _ in found})
    return {str(UUID(str(guid))): status for guid, status in found}
