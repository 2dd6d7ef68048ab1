"""The worker's fixed statements: `sql/NAME.VENDOR.sql`, which a database administrator can read and EXPLAIN.

Parameters are named, as in `%(limit)s`. Lists travel as arrays on PostgreSQL and as JSON on SQLite. A new
statement needs a file for each kind of database, and its place in `tests/chaos/test_statements.py`.
"""

import json
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from django.db import connection

from database import row_sets
from database.row_sets import Row

FOLDER = Path(__file__).parent / "sql"


@cache
def text(name: str, vendor: str) -> str:
    """Return the statement for this kind of database."""
    return (FOLDER / f"{name}.{vendor}.sql").read_text()


def execute(name: str, parameters: Mapping[str, Any]) -> list[Row]:
    """Run a statement; return its rows as the driver does."""
    values = {key: _parameter(value) for key, value in parameters.items()}
    return row_sets.execute(text(name, connection.vendor), values)


def _parameter(value: Any) -> Any:
    if isinstance(value, str) or not isinstance(value, Collection):
        return value
    values = list(value)
    if connection.vendor != "postgresql":
        return json.dumps(values)
    # All numbers have one format. psycopg takes five times as long for a list of ids.
    return row_sets.array("text" if values and isinstance(values[0], str) else "bigint", values)
