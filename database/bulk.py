"""Statements for many rows of a model: on PostgreSQL over arrays, on SQLite over one JSON text.

Django's `bulk_create` creates an object and makes a dozen calls for each row, which would be most of a
worker's CPU time. Call these functions in a transaction, unless it is one insert. Rows are tuples of plain
values in the order of `fields`, which are attribute names of the model, as in `repository_id`.

On PostgreSQL, a transaction that inserts or locks rows is committed asynchronously: a crash of the server may
undo it. Each is followed by the settlement of its delivery, which is later in the log, so the crash undoes
that too, and the delivery is processed again. https://www.postgresql.org/docs/current/wal-async-commit.html
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.db import connection, models

from database import row_sets
from database.row_sets import Columns, Row

Model = type[models.Model]
Names = tuple[str, ...]


def insert(
    model: type[models.Model],
    fields: Sequence[str],
    rows: Sequence[Row],
    *,
    unique: Sequence[str] = (),
    returning: Sequence[str] = (),
) -> list[Row]:
    """Insert rows; return the `returning` fields of the inserted ones.

    A stored row with the same `unique` fields is not changed. All writers must sort their rows by `unique`,
    so that no two transactions deadlock.
    """
    sql = _insert(model, tuple(fields), tuple(unique), tuple(returning))
    return _execute(model, sql, fields, rows, returning)


def select(
    model: type[models.Model],
    key: Sequence[str],
    keys: Sequence[Row],
    fields: Sequence[str],
    *,
    lock: bool = False,
) -> list[Row]:
    """Return the `fields` of the rows with these keys, in the order of the keys.

    `lock` locks the rows in that order, against other writers, until the end of the transaction.
    """
    sql = _select(model, tuple(key), tuple(fields), lock)
    return _execute(model, sql, key, keys, fields)


def update(model: Model, key: Sequence[str], fields: Sequence[str], rows: Sequence[Row]) -> None:
    """Write `fields` of the rows with these keys; each row holds the key's values, then the fields'.

    Lock the rows first, as with `select`: an UPDATE of many rows locks them in no fixed order.
    """
    _execute(model, _update(model, tuple(key), tuple(fields)), [*key, *fields], rows, ())


def find_or_insert(
    model: Model, key: Names, fields: Names, rows: Mapping[Row, Row]
) -> tuple[dict[Row, int], set[Row]]:
    """Insert the rows that are missing, by key; return the ids of all and the keys of the inserted ones."""
    inserted = insert(model, fields, [rows[one] for one in sorted(rows)], unique=key, returning=("id", *key))
    ids = {tuple(one): pk for pk, *one in inserted}
    new = set(ids)
    there = [one for one in rows if one not in new]
    ids |= {tuple(one): pk for pk, *one in select(model, key, there, ("id", *key))}
    return ids, new


@lru_cache(maxsize=256)
def _insert(model: Model, fields: Names, unique: Names, returning: Names) -> str:
    columns = _columns(model, fields)
    values = ", ".join(row_sets.column(name, kind) for name, kind in columns.items())
    # Without WHERE, SQLite parses ON as a join condition: https://www.sqlite.org/lang_upsert.html
    sql = (
        f"INSERT INTO {table(model)} ({', '.join(columns)})"
        f" SELECT {values} FROM {row_sets.relation(columns)} WHERE {_asynchronous()}"
    )
    if unique:
        sql += f" ON CONFLICT ({', '.join(_columns(model, unique))}) DO NOTHING"
    return f"{sql} RETURNING {named(model, returning)}" if returning else sql


@lru_cache(maxsize=256)
def _select(model: Model, key: Names, fields: Names, lock: bool) -> str:
    columns = _columns(model, key)
    sql = (
        f"SELECT {named(model, fields)} FROM {table(model)} JOIN {row_sets.relation(columns)}"
        f" ON {_match(model, columns)}"
    )
    order = f" ORDER BY {named(model, key)}"
    if lock and connection.vendor == "postgresql":
        return f"{sql} AND {_asynchronous()}{order} FOR NO KEY UPDATE OF {table(model)}"
    return sql + order


@lru_cache(maxsize=256)
def _update(model: Model, key: Names, fields: Names) -> str:
    written = [f"{name} = {row_sets.column(name, kind)}" for name, kind in _columns(model, fields).items()]
    columns = _columns(model, (*key, *fields))
    sql = f"UPDATE {table(model)} SET {', '.join(written)} FROM {row_sets.relation(columns)}"
    return f"{sql} WHERE {_match(model, _columns(model, key))}"


def _asynchronous() -> str:
    """Return a true condition that makes the commit asynchronous, without a round trip of its own."""
    return (
        "(SELECT set_config('synchronous_commit', 'off', true)) = 'off'"
        if connection.vendor == "postgresql"
        else "true"
    )


def _execute(
    model: Model, sql: str, fields: Sequence[str], rows: Sequence[Row], out: Sequence[str]
) -> list[Row]:
    if not rows:
        return []
    columns = _columns(model, tuple(fields))
    return loaded(model, out, row_sets.execute(sql, row_sets.parameters(columns, rows)))


def loaded(model: Model, fields: Sequence[str], found: list[Row]) -> list[Row]:
    """Return rows from `row_sets.execute` with the values converted as Django converts them."""
    converters = _converters(model, tuple(fields))
    if not converters:
        return found
    converted = []
    for row in found:
        values = list(row)
        for position, convert in converters:
            values[position] = convert(values[position], None, connection)
        converted.append(tuple(values))
    return converted


@lru_cache(maxsize=256)
def _converters(model: Model, names: Names) -> list[tuple[int, Callable[[Any, Any, Any], Any]]]:
    found = []
    for position, field in enumerate(_fields(model, names)):
        if connection.vendor == "postgresql" and type(field) is models.JSONField:
            continue  # psycopg has decoded it; a subclass converts what psycopg decoded
        column = field.get_col(field.model._meta.db_table)
        converters = [*connection.ops.get_db_converters(column), *field.get_db_converters(connection)]
        found += [(position, convert) for convert in converters]
    return found


def table(model: Model) -> str:
    """Return the name of the model's table, quoted."""
    return str(connection.ops.quote_name(model._meta.db_table))


def named(model: Model, names: Iterable[str]) -> str:
    """Return the columns as a list for SQL, each qualified with the table."""
    return ", ".join(f"{table(model)}.{column}" for column in _columns(model, tuple(names)))


@lru_cache(maxsize=1024)
def _columns(model: Model, names: Names) -> Columns:
    """Return the columns of these attributes, with their types on PostgreSQL."""
    found = {}
    for field in _fields(model, names):
        target = field.target_field if isinstance(field, models.ForeignKey) else field
        found[connection.ops.quote_name(str(field.column))] = _kind(target)
    return found


def _kind(field: "models.Field[Any, Any]") -> str:
    if connection.vendor != "postgresql":
        return _KINDS.get(field.get_internal_type(), "")
    return field.rel_db_type(connection) or "text"


# Types whose values `row_sets.parameters` converts for SQLite.
_KINDS = {"DateTimeField": "timestamp with time zone", "UUIDField": "uuid", "JSONField": "jsonb"}


def _fields(model: Model, names: Iterable[str]) -> "list[models.Field[Any, Any]]":
    by_name = {field.attname: field for field in model._meta.concrete_fields}
    return [by_name[name] for name in names]


def _match(model: Model, columns: Columns) -> str:
    return " AND ".join(f"{table(model)}.{name} = row_set.{name}" for name in columns)
