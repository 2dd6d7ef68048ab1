"""Rows of plain values as a relation of a statement: arrays on PostgreSQL, one JSON text on SQLite.

Whatever the number of rows, the text of the statement stays the same, so that it is prepared once.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
from django.db import connection

Row = tuple[Any, ...]

Columns = Mapping[str, str]
"""Names of columns to PostgreSQL's types, as in `{"id": "bigint"}`. `jsonb` takes anything that is JSON."""


def relation(columns: Columns, name: str = "given") -> str:
    """The relation `name` for a FROM clause; it takes what `parameters` makes of the rows."""
    if connection.vendor == "postgresql":
        arrays = ", ".join(
            f"%{'t' if kind in _AS_TEXT else 'b'}::{kind}[]" for kind in map(_carried, columns.values())
        )
        return f"unnest({arrays}) AS {name} ({', '.join(columns)})"
    picked = ", ".join(f"json_extract(value, '$[{at}]') AS {column}" for at, column in enumerate(columns))
    return f"(SELECT {picked} FROM json_each(%s)) AS {name}"


def column(name: str, kind: str, relation_name: str = "given") -> str:
    """A value of the relation, as a column of that type wants it."""
    cast = "::jsonb" if kind == "jsonb" and connection.vendor == "postgresql" else ""
    return f"{relation_name}.{name}{cast}"


def parameters(columns: Columns, rows: Sequence[Row]) -> list[Any]:
    """What a statement is given for `relation`."""
    if connection.vendor == "postgresql":
        values = zip(*rows, strict=True) if rows else [()] * len(columns)
        return [array(kind, list(one)) for kind, one in zip(columns.values(), values, strict=True)]
    adapt = [_TO_SQLITE.get(kind, _as_it_is) for kind in columns.values()]
    listed = [
        [None if value is None else to(value) for to, value in zip(adapt, row, strict=True)] for row in rows
    ]
    return [json.dumps(listed)]


def execute(sql: str, values: Sequence[Any] | Mapping[str, Any]) -> list[Row]:
    """Run a statement; gives its rows as the driver does.

    From PostgreSQL they come in binary, which is read without a call of Python: JSON is then an object,
    while from SQLite it is text.
    """
    connection.ensure_connection()
    if connection.vendor == "postgresql":
        with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
            cursor.execute(sql.encode(), values, prepare=True, binary=True)
            return cursor.fetchall() if cursor.description else []
    with connection.cursor() as lite:
        lite.execute(sql, values)
        return lite.fetchall() if lite.description else []


def now(later: str = "") -> str:
    """The database's clock, as an SQL expression; `later` is one for seconds after that, null for null."""
    if connection.vendor == "postgresql":
        return f"statement_timestamp() + make_interval(secs => {later})" if later else "statement_timestamp()"
    return f"strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now'{f', {later} || {_SECONDS}' if later else ''})"


def clock() -> datetime:
    """The database's time now, which every process shares."""
    [[found]] = execute(f"SELECT {now()}", [])
    return found if isinstance(found, datetime) else datetime.fromisoformat(found).replace(tzinfo=UTC)


_SECONDS = "' seconds'"


def _carried(kind: str) -> str:
    """JSON travels as text, which PostgreSQL reads."""
    return "text" if kind == "jsonb" else kind.partition("(")[0]


_TEXTS = frozenset({"text", "varchar"})
_NUMBERS = frozenset({"bigint", "integer", "smallint", "boolean", "double precision"})
# Of other kinds psycopg makes an array, in binary.
_AS_TEXT = _TEXTS | _NUMBERS


def array(kind: str, values: list[Any]) -> Any:
    """Return an array as PostgreSQL reads it: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO.

    psycopg has a call of Python for each element, which of a push of many commits would be half of the
    cost. It is left those of which the text would cost more.
    """
    if kind == "jsonb":
        values = [None if value is None else json.dumps(value) for value in values]
    kind = _carried(kind)
    if kind in _NUMBERS:
        return f"{{{str(values)[1:-1].replace('None', 'NULL')}}}"
    if kind not in _TEXTS or not values or None in values:
        return values
    joined = "\0".join(values)
    if joined.count("\0") >= len(values):
        return values  # one of them holds a NUL, which psycopg refuses
    escaped = joined.replace("\\", "\\\\").replace('"', '\\"')
    return '{"' + escaped.replace("\0", '","') + '"}'


def _as_it_is(value: Any) -> Any:
    return value


def _naive(moment: datetime) -> str | None:
    return connection.ops.adapt_datetimefield_value(moment)


_TO_SQLITE: Mapping[str, Callable[[Any], Any]] = {
    "timestamp with time zone": _naive,
    "uuid": lambda value: value.hex,
    "jsonb": json.dumps,
}
"""From a value to what JSON can carry and Django's SQLite columns hold."""
