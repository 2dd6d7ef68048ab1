"""A payload or a body that cannot be read is the end of its own delivery, and of no other."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from pydantic import model_validator

from receiver.models import Delivery
from schemas.push import PushEvent
from tests import beside, github, later
from tests.processing.deliveries import PanicException, Recorder, drain, process, stored

pytestmark = pytest.mark.django_db(transaction=True)

make = sync_to_async(stored)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"[]", "payload: "),
        (b'{"ref": 5}', "ref: "),
        (b"[" * 10_000 + b"]" * 10_000, "nested too deeply"),
    ],
)
async def test_what_its_schema_rejects_is_invalid_and_the_error_says_where(body: bytes, told: str) -> None:
    [row] = await process(Recorder(), await make(body=body))
    assert row.status == "invalid"
    assert told in row.error


async def test_the_error_of_an_invalid_delivery_names_the_path_of_the_field() -> None:
    payload = github.payload("push__branch")
    payload["repository"]["id"] = "yesterday"
    [row] = await process(Recorder(), await make(body=json.dumps(payload).encode()))
    assert row.error.startswith("repository.id: ")
    assert "yesterday" not in row.error


async def test_unreadable_parts_are_noted_in_the_log_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    payload = github.payload("push__branch")
    for commit in payload["commits"]:
        commit["timestamp"] = commit["author"]["email"] = {}
    caplog.set_level("INFO", "processing")
    [row] = await process(Recorder(), await make(body=json.dumps(payload).encode()))
    assert row.status == "succeeded"
    [record] = [record for record in caplog.records if str(row.guid) in record.getMessage()]
    assert "unreadable: commits.0.author.email, commits.0.timestamp" in record.getMessage()
    assert "and 3 more" in record.getMessage()


async def test_a_panic_in_a_schema_fails_the_attempt() -> None:
    class Panicking(PushEvent):
        @model_validator(mode="before")
        @classmethod
        def panic(cls, _payload: object) -> object:
            raise PanicException("index")

    [row] = await process(Recorder(), await make(), events={"push": Panicking})
    assert (row.status, row.attempts, row.error) == ("retrying", 1, "PanicException: index")


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        (b"no frame", "ZstdError"),
        (later.frame(), "UnknownDictionaryError: compressed with dictionary 7"),
    ],
)
async def test_a_body_that_cannot_be_read_is_the_end_of_its_own_delivery(frame: bytes, error: str) -> None:
    broken, good = await make(), await make()

    def corrupt() -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE receiver_delivery SET body = %s WHERE id = %s", [frame, broken.pk])

    await sync_to_async(corrupt)()
    await drain(Recorder().runner())
    [broken, good] = await without_bodies()
    assert (broken.status, good.status) == ("dead", "succeeded")
    assert broken.error.startswith(f"the stored body cannot be read: {error}")


@contextmanager
def unreadable(pk: int) -> Iterator[None]:
    """Have PostgreSQL fail to read the body of this delivery, as a value does whose parts are lost."""
    with beside.connected() as server:
        server.execute("ALTER TABLE receiver_delivery RENAME body TO kept")
        server.execute(
            f"ALTER TABLE receiver_delivery ADD body bytea GENERATED ALWAYS AS"
            f" (CASE WHEN status = 'processing' THEN CASE WHEN id / (id - {pk}) > 0 THEN kept ELSE kept END"
            " ELSE kept END) VIRTUAL"
        )
        try:
            yield
        finally:
            server.execute("ALTER TABLE receiver_delivery DROP body")
            server.execute("ALTER TABLE receiver_delivery RENAME kept TO body")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite divides by zero without an error")
async def test_a_body_that_the_database_cannot_read_is_the_end_of_its_own_delivery() -> None:
    rows = [await make() for _ in range(5)]
    with unreadable(rows[2].pk):
        await process(Recorder())
        left = await without_bodies()
    assert [row.status for row in left] == ["succeeded", "succeeded", "dead", "succeeded", "succeeded"]
    assert left[2].error.startswith("the stored body cannot be read: DataError: division by zero")
    assert left[2].claims == 1


async def without_bodies() -> list[Delivery]:
    return [row async for row in Delivery.objects.defer("body").order_by("pk")]
