"""Frequent queries of the ledger use an index, however many rows it has."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from database import row_sets
from ledger import gauges, reading

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _new_tables(transactional_db: None) -> Iterator[None]:
    """Give the table the size and the statistics of a new one: what earlier tests left changes the plans."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE receiver_delivery CASCADE")
        cursor.execute("ALTER TABLE receiver_delivery SET (autovacuum_enabled = off)")
        cursor.execute("DELETE FROM pg_statistic WHERE starelid = 'receiver_delivery'::regclass")
    yield
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE receiver_delivery RESET (autovacuum_enabled)")


ASKED: dict[str, tuple[Callable[[], Callable[[], object]], list[str]]] = {
    "the queue": (
        lambda: reading.read,
        ["delivery_due"] * 2 + ["delivery_finished"] * 3 + ["delivery_retrying"]
        + ["delivery_unsuccessful"] * 2
        + ["delivery_(leased|processing_guid)"],  # both hold only what is in processing
    ),
    "the gauges of the metrics": (
        lambda: gauges.deliveries,
        ["delivery_unsuccessful", "delivery_(leased|processing_guid)", "delivery_(due|ordering|retrying)"],
    ),
    "the oldest that waits": (lambda: gauges.oldest_waiting, ["delivery_due"]),
}  # fmt: skip


def plans(ask: Callable[[], object]) -> list[str]:
    """Return the database's plan for a query, with the parameters as Django passes them."""
    found: list[str] = []
    prefix = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"

    def explain(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SELECT") and "receiver_delivery" in sql:
            with connection.cursor() as cursor:
                cursor.execute(f"{prefix} {sql}", params)
                found.append("\n".join(str(row[-1]) for row in cursor.fetchall()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        ask()
    return found


@pytest.mark.usefixtures("redis")
@pytest.mark.parametrize("what", ASKED)
def test_what_is_asked_often_is_answered_by_an_index(what: str) -> None:
    prepare, indexes = ASKED[what]
    ask = prepare()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # With few rows it reads the whole table.
            cursor.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
        told = plans(ask)
        if connection.vendor == "postgresql":
            cursor.execute("RESET enable_seqscan; RESET enable_bitmapscan")
    assert not [plan for plan in told if "USING" not in plan.upper()]
    for index in set(indexes):
        assert sum(bool(re.search(index, plan)) for plan in told) >= indexes.count(index), told


def test_a_backlog_and_what_was_settled_are_counted_without_their_rows() -> None:
    counted = [reading.waiting().values("status", "event", "received_at"),
               reading.settled(row_sets.clock()).values("status", "event")]  # fmt: skip
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
        told = [rows.explain() for rows in counted]
        if connection.vendor == "postgresql":
            cursor.execute("RESET enable_seqscan; RESET enable_bitmapscan")
    for plan in told:
        assert ("Index Only" if connection.vendor == "postgresql" else "COVERING") in plan
