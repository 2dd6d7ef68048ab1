"""Row sets: rows of plain values as a relation in a statement.

They travel as arrays to PostgreSQL and as one JSON text to SQLite. The text of a statement does not depend on
the number of rows, so a server can prepare it once.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from pydantic_core import to_json

Row = tuple[Any, ...]

Columns = Mapping[str, str]
"""Maps column names to types of PostgreSQL, as in `{"id": "bigint"}`. `jsonb` takes any JSON value."""


def relation(columns: Columns) -> str:
    """Return the relation `row_set` for a FROM clause. Its parameters are those that `parameters` returns."""
    if connection.vendor == "postgresql":
        arrays = ", ".join(
            f"%{'t' if kind in _AS_TEXT else 'b'}::{kind}[]" for kind in map(_carried, columns.values())
        )
        return f"unnest({arrays}) AS row_set ({', '.join(columns)})"
    picked = ", ".join(f"json_extract(value, '$[{at}]') AS {column}" for at, column in enumerate(columns))
    return f"(SELECT {picked} FROM json_each(%s)) AS row_set"


def column(name: str, kind: str) -> str:
    """Return the expression of a column of the relation, cast for a target column of that type."""
    cast = "::jsonb" if kind == "jsonb" and connection.vendor == "postgresql" else ""
    return f"row_set.{name}{cast}"


def parameters(columns: Columns, rows: Sequence[Row]) -> list[Any]:
    """Return the parameters of `relation` for these rows."""
    if connection.vendor == "postgresql":
        values = zip(*rows, strict=True) if rows else [()] * len(columns)
        return [array(kind, list(one)) for kind, one in zip(columns.values(), values, strict=True)]
    adapt = [_TO_SQLITE.get(kind, _unchanged) for kind in columns.values()]
    listed = [
        [None if value is None else to(value) for to, value in zip(adapt, row, strict=True)] for row in rows
    ]
    return [json.dumps(listed)]


def execute(sql: str, values: Sequence[Any] | Mapping[str, Any]) -> list[Row]:
    """Run a statement; return its rows as the driver does.

    psycopg reads the binary format in C, and decodes JSON to an object. From SQLite, JSON is text.
    """
    connection.ensure_connection()
    if connection.vendor == "postgresql":
        import psycopg  # noqa: PLC0415 - not loaded on SQLite

        with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
            # PostgreSQL keeps the plan of a prepared statement that has no parameters.
            cursor.execute(sql.encode(), values, prepare=bool(values), binary=True)
            return cursor.fetchall() if cursor.description else []
    with connection.cursor() as lite:
        lite.execute(sql, values)
        return lite.fetchall() if lite.description else []


def clock() -> datetime:
    """Return the current time of the database, which all processes share."""
    now = "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')"
    [[found]] = execute(f"SELECT {'statement_timestamp()' if connection.vendor == 'postgresql' else now}", [])
    return found if isinstance(found, datetime) else datetime.fromisoformat(found).replace(tzinfo=UTC)


def _carried(kind: str) -> str:
    """Return the type of the array: JSON travels as text, which PostgreSQL parses."""
    return "text" if kind == "jsonb" else kind.partition("(")[0]


_TEXTS = frozenset({"text", "varchar"})
_NUMBERS = frozenset({"bigint", "integer", "smallint", "boolean", "double precision"})
# psycopg converts arrays of the other types to the binary format.
_AS_TEXT = _TEXTS | _NUMBERS


def array(kind: str, values: list[Any]) -> Any:
    """Return an array as PostgreSQL reads it: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO.

    psycopg calls Python for each element, which is half of the cost of a push with many commits. The value is
    returned as it is where psycopg is cheaper, and where it must report an error.
    """
    if kind == "jsonb":
        values = [None if value is None else to_json(value).decode() for value in values]
    kind = _carried(kind)
    if kind in _NUMBERS:
        return f"{{{str(values)[1:-1].replace('None', 'NULL')}}}"
    if kind not in _TEXTS or not values or None in values:
        return values
    joined = "\0".join(values)
    if joined.count("\0") >= len(values):
        return values  # psycopg raises the error for a NUL
    escaped = joined.replace("\\", "\\\\").replace('"', '\\"')
    return '{"' + escaped.replace("\0", '","') + '"}'


def _unchanged(value: Any) -> Any:
    return value


def _naive(moment: datetime) -> str | None:
    return connection.ops.adapt_datetimefield_value(moment)


_TO_SQLITE: Mapping[str, Callable[[Any], Any]] = {
    "timestamp with time zone": _naive,
    "uuid": lambda value: value.hex,
    "jsonb": json.dumps,
}
"""Converters to values that JSON can carry, in the format of Django's SQLite columns."""
