"""Statements for many rows: on PostgreSQL over arrays, on SQLite over one JSON text.

Django's `bulk_create` makes an object and a dozen calls of every row, which is most of what a worker would
do. To be called in a transaction. Rows are tuples of plain values in the order of `fields`, which are
attribute names of the model, as in `repository_id`.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import psycopg
from django.db import connection, models

Row = tuple[Any, ...]


def insert(
    model: type[models.Model],
    fields: Sequence[str],
    rows: Sequence[Row],
    *,
    unique: Sequence[str] = (),
    update: Sequence[str] = (),
    returning: Sequence[str] = (),
) -> list[Row]:
    """Insert rows; gives the `returning` fields of those that were written.

    Where a row with the same `unique` fields is there, it is left alone, or its `update` fields are
    written. Rows are to be in the order of `unique`, whoever writes, so that no two wait for each other.
    """
    sql = _insert(model, tuple(fields), tuple(unique), tuple(update), tuple(returning), connection.vendor)
    return _execute(model, sql, fields, rows, returning)


def select(
    model: type[models.Model],
    key: Sequence[str],
    keys: Sequence[Row],
    fields: Sequence[str],
    *,
    order: Sequence[str] = (),
    lock: bool = False,
    also: Sequence[str] = (),
) -> list[Row]:
    """The `fields` of the rows with these keys, by `order`, which is the key if it is not given.

    `also` are SQL expressions, whose values follow as the driver gives them. `lock` holds the rows against
    other writers until the end of the transaction, taken in that order.
    """
    sql = _select(model, tuple(key), tuple(fields), tuple(order or key), lock, tuple(also), connection.vendor)
    return _execute(model, sql, key, keys, fields)


def update(
    model: type[models.Model],
    key: Sequence[str],
    fields: Sequence[str],
    rows: Sequence[Row],
    *,
    returning: Sequence[str] = (),
) -> list[Row]:
    """Write `fields` of the rows with these keys; each row is its key's values, then the fields'.

    Gives the `returning` fields of each. The rows are to be locked before, as by `select`, for a statement
    of many locks them in any order.
    """
    sql = _update(model, tuple(key), tuple(fields), tuple(returning), connection.vendor)
    return _execute(model, sql, [*key, *fields], rows, returning)


Model = type[models.Model]
Names = tuple[str, ...]


@lru_cache(maxsize=256)
def _insert(model: Model, fields: Names, unique: Names, update: Names, returning: Names, _vendor: str) -> str:
    columns = ", ".join(_columns(model, fields))
    values = ", ".join(_cast(model, name) for name in fields)
    sql = f"INSERT INTO {_table(model)} ({columns}) SELECT {values} FROM {{given}}"
    if unique:
        # "WHERE true" keeps SQLite from reading ON as the beginning of a join's condition.
        sql += f" WHERE true ON CONFLICT ({', '.join(_columns(model, unique))}) DO "
        written = [f"{column} = EXCLUDED.{column}" for column in _columns(model, update)]
        sql += f"UPDATE SET {', '.join(written)}" if written else "NOTHING"
    return _given(model, sql + _returning(model, returning), fields)


@lru_cache(maxsize=256)
def _select(
    model: Model, key: Names, fields: Names, order: Names, lock: bool, also: Names, _vendor: str
) -> str:
    table = _table(model)
    named = ", ".join([*(f"{table}.{column}" for column in _columns(model, fields)), *also])
    ordered = ", ".join(f"{table}.{column}" for column in _columns(model, order))
    sql = f"SELECT {named} FROM {table} JOIN {{given}} ON {_match(model, key)} ORDER BY {ordered}"
    if lock and connection.vendor == "postgresql":
        sql += f" FOR NO KEY UPDATE OF {table}"
    return _given(model, sql, key)


@lru_cache(maxsize=256)
def _update(model: Model, key: Names, fields: Names, returning: Names, _vendor: str) -> str:
    written = [
        f"{column} = {_cast(model, name)}"
        for name, column in zip(fields, _columns(model, fields), strict=True)
    ]
    sql = f"UPDATE {_table(model)} SET {', '.join(written)} FROM {{given}} WHERE {_match(model, key)}"
    return _given(model, sql + _returning(model, returning), (*key, *fields))


def _returning(model: Model, names: Names) -> str:
    table = _table(model)
    named = ", ".join(f"{table}.{column}" for column in _columns(model, names))
    return f" RETURNING {named}" if names else ""


def _given(model: Model, sql: str, fields: Names) -> str:
    """The statement with its rows as a relation named `given`."""
    columns = _columns(model, fields)
    if connection.vendor == "postgresql":
        arrays = ", ".join(f"%b::{_array_type(model, name)}[]" for name in fields)
        return sql.format(given=f"unnest({arrays}) AS given ({', '.join(columns)})")
    picked = ", ".join(
        f"json_extract(value, '$[{place}]') AS {column}" for place, column in enumerate(columns)
    )
    return sql.format(given=f"(SELECT {picked} FROM json_each(%s)) AS given")


def _execute(
    model: type[models.Model], sql: str, fields: Sequence[str], rows: Sequence[Row], out: Sequence[str]
) -> list[Row]:
    if not rows:
        return []
    connection.ensure_connection()
    if connection.vendor == "postgresql":
        columns = [list(column) for column in zip(*rows, strict=True)]
        for place, name in enumerate(fields):
            if isinstance(_field(model, name), models.JSONField):
                columns[place] = [None if value is None else json.dumps(value) for value in columns[place]]
        with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
            cursor.execute(sql.encode(), columns, prepare=True)
            return _loaded(model, out, cursor.fetchall()) if cursor.description else []
    adapt = [_to_sqlite(_field(model, name)) for name in fields]
    text = json.dumps([[to(value) for to, value in zip(adapt, row, strict=True)] for row in rows])
    with connection.cursor() as lite:
        lite.execute(sql, [text])
        return _loaded(model, out, lite.fetchall()) if lite.description else []


def _loaded(model: Model, out: Sequence[str], found: list[Row]) -> list[Row]:
    """The rows with values as Django gives them; what follows the fields is left as it is."""
    converters = [(place, of) for place, name in enumerate(out) for of in _converters(_field(model, name))]
    if not converters:
        return found
    loaded = []
    for row in found:
        values = list(row)
        for place, of in converters:
            values[place] = of(values[place], None, connection)
        loaded.append(tuple(values))
    return loaded


def _converters(field: "models.Field[Any, Any]") -> list[Callable[[Any, Any, Any], Any]]:
    column = field.get_col(field.model._meta.db_table)
    return [*connection.ops.get_db_converters(column), *field.get_db_converters(connection)]


def now() -> str:
    """The database's clock, as an SQL expression whose value `moment` reads."""
    if connection.vendor == "postgresql":
        return "statement_timestamp()"
    return "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')"


def clock() -> datetime:
    """The database's time now, which every process shares."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {now()}", [])
        return moment(cursor.fetchone()[0])


def moment(value: Any) -> datetime:
    """What the database gave for `now()`."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(value).replace(tzinfo=UTC)


@lru_cache(maxsize=1024)
def _field(model: type[models.Model], name: str) -> "models.Field[Any, Any]":
    found = next(field for field in model._meta.concrete_fields if field.attname == name)
    return found.target_field if isinstance(found, models.ForeignKey) else found


def _table(model: type[models.Model]) -> str:
    return str(connection.ops.quote_name(model._meta.db_table))


def _columns(model: type[models.Model], names: Iterable[str]) -> list[str]:
    by_name = {field.attname: str(field.column) for field in model._meta.concrete_fields}
    return [connection.ops.quote_name(by_name[name]) for name in names]


def _array_type(model: type[models.Model], name: str) -> str:
    field = _field(model, name)
    if isinstance(field, models.JSONField):
        return "text"
    return (field.rel_db_type(connection) or "text").partition("(")[0]


def _cast(model: type[models.Model], name: str) -> str:
    (column,) = _columns(model, [name])
    is_json = isinstance(_field(model, name), models.JSONField) and connection.vendor == "postgresql"
    return f"given.{column}::jsonb" if is_json else f"given.{column}"


def _match(model: type[models.Model], key: Sequence[str]) -> str:
    table = _table(model)
    return " AND ".join(f"{table}.{column} = given.{column}" for column in _columns(model, key))


def _to_sqlite(field: "models.Field[Any, Any]") -> Callable[[Any], Any]:
    """From a value to what JSON can carry and Django's SQLite columns hold."""
    if isinstance(field, models.DateTimeField):
        return connection.ops.adapt_datetimefield_value
    if isinstance(field, models.UUIDField):
        return lambda value: value and value.hex
    if isinstance(field, models.JSONField):
        return lambda value: None if value is None else json.dumps(value)
    return lambda value: value
