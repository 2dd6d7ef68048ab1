"""Following what arrives: no delivery is missed, whatever the order of the commits."""

import asyncio
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import connection

from ledger import following
from receiver.models import Delivery
from receiver.postgresql import connection_parameters
from tests.console.kept import kept

pytestmark = pytest.mark.django_db(transaction=True)
on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite commits ids in their order"
)


async def ids(pk: int, size: int = 10) -> tuple[list[int], bool]:
    found = await following.after(Delivery.objects.values_list("pk", named=True), pk, size)
    return [row.pk for row in found.rows], found.more


def other_connection() -> "psycopg.Connection[Any]":
    return psycopg.connect(**connection_parameters())


def copy_of(opened: "psycopg.Connection[Any]", pk: int) -> int:
    """Insert a copy of a delivery under the next id, without a commit."""
    columns = [field.column for field in Delivery._meta.concrete_fields if field.name not in {"id", "guid"}]
    names = ", ".join(f'"{column}"' for column in columns)
    table = Delivery._meta.db_table
    sql = f"INSERT INTO {table} (guid, {names}) SELECT %s, {names} FROM {table} WHERE id = %s"  # noqa: S608
    row = opened.execute(f"{sql} RETURNING id", [uuid4(), pk]).fetchone()
    assert row
    return int(row[0])


async def test_pages_follow_each_other_in_the_order_of_ids() -> None:
    stored = [(await asyncio.to_thread(_kept)).pk for _ in range(5)]
    assert await ids(0, 3) == (stored[:3], True)
    assert await ids(stored[2], 3) == (stored[3:], False)
    assert await ids(stored[4], 3) == ([], False)


def _kept() -> Delivery:
    try:
        return kept()
    finally:
        connection.close()


@on_postgresql
async def test_a_smaller_id_that_is_committed_later_is_not_missed() -> None:
    first = (await asyncio.to_thread(_kept)).pk
    with other_connection() as slow, other_connection() as fast:
        smaller = copy_of(slow, first)
        greater = copy_of(fast, first)
        assert smaller < greater
        fast.commit()
        following_now = asyncio.create_task(ids(first))
        done, _ = await asyncio.wait({following_now}, timeout=0.2)
        assert not done
        slow.commit()
        assert await following_now == ([smaller, greater], False)


@on_postgresql
async def test_a_writer_that_does_not_end_delays_the_reader_and_loses_nothing() -> None:
    first = (await asyncio.to_thread(_kept)).pk
    with other_connection() as slow:
        smaller = copy_of(slow, first)
        greater = (await asyncio.to_thread(_kept)).pk
        assert await ids(first) == ([], False)
        slow.commit()
    assert await ids(first) == ([smaller, greater], False)
