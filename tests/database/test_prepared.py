"""A worker's own connections to PostgreSQL: statements have names, and what is idle is checked."""

import asyncio
from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection

import database
from database import row_sets, threads
from receiver.postgresql import connection_parameters

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite's statements have no names"),
]

READ = "SELECT number FROM prepared_example WHERE %s > 0"


@pytest.fixture(autouse=True)
def _one_connection_of_a_worker(transactional_db: None) -> Iterator[None]:
    database.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threads, "_prepares", True)
        patch.setattr(threads, "THREADS", 1)
        patch.delitem(connection.settings_dict["OPTIONS"], "pool", raising=False)
        yield
        database.close()


def ask(sql: str, *values: int) -> list[row_sets.Row]:
    return row_sets.execute(sql, values)


def change(sql: bytes) -> None:
    """Run a statement in another connection."""
    with psycopg.connect(**connection_parameters(), autocommit=True) as other:
        other.execute(sql)


async def test_a_connection_that_was_cut_while_it_was_idle_is_replaced_before_the_next_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def process() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return int(cursor.fetchone()[0])

    loop = asyncio.get_running_loop()
    with threads.Threads(1) as orm:
        cut = await loop.run_in_executor(orm, process)
        change(f"SELECT pg_terminate_backend({cut}, 30000)".encode())
        monkeypatch.setattr(threads, "CHECK_AFTER", 0)
        assert await loop.run_in_executor(orm, process) != cut
        await loop.run_in_executor(orm, lambda: connection.close())  # noqa: PLW0108 - that of the thread


async def test_a_statement_has_a_name_and_is_planned_at_each_use() -> None:
    for number in range(10):
        assert await database.run(ask, "SELECT %s::int + 1", number) == [(number + 1,)]
    used = "SELECT statement, generic_plans, custom_plans FROM pg_prepared_statements"
    named = await database.run(ask, used)
    assert named == [("SELECT $1::int + 1", 0, 10)]


async def test_a_statement_still_works_after_a_migration_of_a_column_that_it_returns() -> None:
    change(b"CREATE TABLE prepared_example AS SELECT 1::smallint AS number")
    try:
        assert await database.run(ask, READ, 1) == [(1,)]
        change(b"ALTER TABLE prepared_example ALTER number TYPE text")
        assert await database.run(ask, READ, 1) == [("1",)]
    finally:
        change(b"DROP TABLE prepared_example")
