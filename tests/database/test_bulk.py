"""Statements for many rows return the same as Django's own, on each database."""

from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from uuid import uuid4

import hypothesis
import pytest
from django.db import DataError, connection, transaction
from hypothesis import strategies as st

from database import bulk, row_sets
from database.row_sets import Row
from receiver.models import Delivery, HandlerRun
from records.models import Commit, Repository

pytestmark = pytest.mark.django_db

WHEN = datetime(2026, 5, 4, 12, 0, 0, 123456, tzinfo=UTC)
FIELDS = ("repository_id", "sha", "message", "author_name", "author_email", "committed_at")


def commit(repository: Repository, sha: str, message: str = "m", when: datetime = WHEN) -> Row:
    return (repository.pk, sha, message, "Ada", "ada@", when)


@pytest.fixture
def repository() -> Repository:
    return Repository.objects.create(github_id=1, full_name="harbour-works/tide-tables")


def test_inserted_rows_are_as_django_reads_them(repository: Repository) -> None:
    other_zone = datetime(2026, 5, 4, 12, tzinfo=timezone(timedelta(hours=-9)))
    with transaction.atomic():
        found = bulk.insert(
            Commit,
            FIELDS,
            [commit(repository, "a", "märz\n'\"\\ 潮", other_zone), commit(repository, "b")],
            returning=("id", "sha", "committed_at"),
        )
    rows = {row.sha: row for row in Commit.objects.all()}
    assert [(rows[sha].pk, rows[sha].committed_at) for _, sha, _ in found] == [
        (pk, when) for pk, _, when in found
    ]
    assert (rows["a"].message, rows["a"].committed_at) == ("märz\n'\"\\ 潮", other_zone)


def test_what_is_there_is_left_alone(repository: Repository) -> None:
    key = ("repository_id", "sha")
    with transaction.atomic():
        bulk.insert(Commit, FIELDS, [commit(repository, "a", "first")], unique=key)
        assert (
            bulk.insert(Commit, FIELDS, [commit(repository, "a", "second")], unique=key, returning=("sha",))
            == []
        )
    assert Commit.objects.get().message == "first"


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite's commits are durable")
@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_inserts_or_locks_rows_does_not_wait_for_the_disk(repository: Repository) -> None:
    row, key = commit(repository, "a"), ("repository_id", "sha")
    writes = [
        partial(bulk.insert, Commit, FIELDS, [row]),
        partial(bulk.insert, Commit, FIELDS, [row], unique=key),
        partial(bulk.select, Commit, key, [row[:2]], ("sha",), lock=True),
    ]
    for write in writes:
        with transaction.atomic():
            write()
            assert row_sets.execute("SHOW synchronous_commit", []) == [("off",)]
        assert row_sets.execute("SHOW synchronous_commit", []) == [("on",)]


def test_rows_are_found_by_their_keys_in_the_order_of_the_keys(repository: Repository) -> None:
    with transaction.atomic():
        bulk.insert(Commit, FIELDS, [commit(repository, sha) for sha in "dbca"])
        keys = [(repository.pk, sha) for sha in "cxab"]
        found = bulk.select(Commit, ("repository_id", "sha"), keys, ("sha", "committed_at"), lock=True)
    assert found == [("a", WHEN), ("b", WHEN), ("c", WHEN)]


def test_rows_are_updated_by_their_keys(repository: Repository) -> None:
    with transaction.atomic():
        bulk.insert(Commit, FIELDS, [commit(repository, sha) for sha in "abc"])
        bulk.update(
            Commit,
            ("repository_id", "sha"),
            ("message",),
            [(repository.pk, "a", "1"), (repository.pk, "c", "3")],
        )
    assert dict(Commit.objects.values_list("sha", "message")) == {"a": "1", "b": "m", "c": "3"}


def test_json_numbers_truth_and_nothing_are_kept() -> None:
    given_rows = [
        ("a", 1, 0.25, {"x": [None, "ö"]}, True, WHEN, 2**63 - 1),
        ("b", 2, 1.0, {}, False, None, None),
    ]
    delivery = Delivery.objects.create(
        guid=uuid4(), hook_id=1, event="push", headers={}, content_type="", body=b"", received_at=WHEN
    )
    with transaction.atomic():
        bulk.update(
            Delivery, ("id",), ("headers", "number", "finished_at"),
            [(delivery.pk, given_rows[0][3], given_rows[0][6], given_rows[0][5])],
        )  # fmt: skip
        bulk.insert(
            HandlerRun,
            ("delivery_id", "handler", "attempt", "trigger", "outcome", "started_at", "duration", "error",
             "traceback", "superseded"),
            [
                (delivery.pk, name, number, "delivery", "failed", WHEN, seconds, "", "", flag)
                for name, number, seconds, _, flag, _, _ in given_rows
            ],
        )  # fmt: skip
    delivery.refresh_from_db()
    assert (delivery.headers, delivery.number, delivery.finished_at) == ({"x": [None, "ö"]}, 2**63 - 1, WHEN)
    runs = HandlerRun.objects.order_by("handler").values_list("handler", "attempt", "duration", "superseded")
    assert list(runs) == [("a", 1, 0.25, True), ("b", 2, 1.0, False)]
    with transaction.atomic():
        bulk.update(Delivery, ("id",), ("number", "finished_at"), [(delivery.pk, None, None)])
    delivery.refresh_from_db()
    assert (delivery.number, delivery.finished_at) == (None, None)


def test_nothing_to_do_is_no_statement(repository: Repository) -> None:
    assert bulk.insert(Commit, FIELDS, [], returning=("id",)) == []
    assert bulk.select(Commit, ("sha",), [], ("id",)) == []
    bulk.update(Commit, ("sha",), ("message",), [])


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
ROWS = st.tuples(
    TEXTS | st.sampled_from(["", "NULL", "null", "{}", '"', "\\", '\\"', "a,b", " ", "%s"]),
    st.none() | TEXTS,
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.booleans(),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.none() | st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
    st.none() | st.uuids(),
)
COLUMNS = {
    "word": "text", "perhaps": "text", "number": "bigint", "truth": "boolean", "share": "double precision",
    "moment": "timestamp with time zone", "name": "uuid",
}  # fmt: skip


def select(expressions: str, columns: dict[str, str], rows: list[Row]) -> list[Row]:
    statement = f"SELECT {expressions} FROM {row_sets.relation(columns)}"  # noqa: S608 - the test's own
    return row_sets.execute(statement, row_sets.parameters(columns, rows))


def adapted(moment: datetime | None) -> str | None:
    return connection.ops.adapt_datetimefield_value(moment) if moment else None


@hypothesis.given(st.lists(ROWS, max_size=4))
def test_a_relation_has_the_values_that_were_given(rows: list[Row]) -> None:
    found = select(", ".join(COLUMNS), COLUMNS, rows)
    if connection.vendor == "sqlite":
        # As in Django's columns: a time is text, a UUID is hex, a boolean is a number.
        rows = [(*row[:5], adapted(row[5]), row[6] and row[6].hex) for row in rows]
    assert found == rows


def test_a_text_that_the_database_cannot_hold_is_refused_and_never_becomes_two() -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite's texts hold NUL")
    with pytest.raises(DataError, match="NUL"):
        select("word", {"word": "text"}, [("a\0b",), ("c",)])


@hypothesis.given(st.lists(TEXTS, max_size=5))
def test_any_text_comes_back_as_it_was(messages: list[str]) -> None:
    with transaction.atomic():
        repository, _ = Repository.objects.get_or_create(github_id=1, full_name="r")
        Commit.objects.all().delete()
        bulk.insert(
            Commit, FIELDS, [commit(repository, f"{place:02}", text) for place, text in enumerate(messages)]
        )
    assert list(Commit.objects.order_by("sha").values_list("message", flat=True)) == messages
