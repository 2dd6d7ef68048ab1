"""How SQLite finds the rows of each fixed statement: none reads a whole table."""

import re
import sqlite3
from pathlib import Path

import pytest
from django.db import connection

from tests import processes

PLACEHOLDER = re.compile(r"%\((\w+)\)s")
TABLE = re.compile(r"\b(receiver_\w+)(?: AS (\w+))?")
STATEMENTS = sorted(processes.ROOT.glob("*/sql/*.sqlite.sql"))


@pytest.mark.once
@pytest.mark.django_db
@pytest.mark.parametrize("path", STATEMENTS, ids=lambda path: path.name)
def test_a_statement_finds_its_rows_by_an_index(path: Path) -> None:
    """In RETURNING, SQLite looks up a column of the changed row by index only where it is an expression."""
    if connection.vendor != "sqlite":
        pytest.skip("tests/chaos/test_statements.py explains those of PostgreSQL")
    statement = PLACEHOLDER.sub(r":\1", path.read_text()).replace("%%", "%")
    values = dict.fromkeys(re.findall(r":([a-z]\w*)", statement), "[]")
    connection.ensure_connection()
    raw: sqlite3.Connection = connection.connection
    plan = [row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
    tables = {name for found in TABLE.findall(statement) for name in found if name}
    assert [step for step in plan if step.startswith("SCAN ") and step.split()[1] in tables] == []
