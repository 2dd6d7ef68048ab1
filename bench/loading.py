"""Fills a large ledger quickly: without fsync, and without indexes, which are built at the end."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from bench import history

TABLES = ("receiver_delivery", "receiver_handlerrun")
# Settings of the server while it is filled. They take effect without a restart.
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "1h",
    "maintenance_work_mem": "512MB",
    "max_parallel_maintenance_workers": "0",
}


def fill(url: str, rows: int) -> None:
    """Store a week of settled deliveries, as `history.fill` does, and nothing that is open.

    The ledger holds one delivery to copy from. Statistics count as far as now, as they do in a ledger that
    grew slowly, so that no worker is busy with the past.
    """
    with psycopg.connect(url, autocommit=True) as connection, _hasty(connection):
        with _without_indexes(connection):
            history.fill(url, rows)
            connection.execute("DELETE FROM receiver_delivery WHERE finished_at IS NULL")
        connection.execute("INSERT INTO ledger_aggregateduntil (at) VALUES (date_trunc('minute', now()))")
        connection.execute("VACUUM (ANALYZE) receiver_delivery, receiver_handlerrun")
        connection.execute("CHECKPOINT")


@contextmanager
def _hasty(connection: psycopg.Connection) -> Iterator[None]:
    """Let the server not wait for the disk until the context ends."""
    for name, value in _SETTINGS.items():
        connection.execute(
            sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value))
        )
    connection.execute("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        connection.execute("ALTER SYSTEM RESET ALL")
        connection.execute("SELECT pg_reload_conf()")


@contextmanager
def _without_indexes(connection: psycopg.Connection) -> Iterator[None]:
    """Drop unique keys and indexes of the tables, except primary keys, and build them again at the end."""
    constraints = connection.execute(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'u' AND conrelid::regclass::text = ANY(%s)",
        [list(TABLES)],
    ).fetchall()
    for table, name, _ in constraints:
        connection.execute(
            sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(sql.Identifier(table), sql.Identifier(name))
        )
    indexes = connection.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE NOT indisprimary AND indrelid::regclass::text = ANY(%s)",
        [list(TABLES)],
    ).fetchall()
    for name, _ in indexes:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    yield
    for table, name, definition in constraints:
        connection.execute(
            sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
                sql.Identifier(table), sql.Identifier(name), sql.SQL(definition)
            )
        )
    for _, definition in indexes:
        connection.execute(sql.SQL(definition))
