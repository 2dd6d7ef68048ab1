"""Group commit: one transaction for many deliveries; each answer depends on its own row."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.test import AsyncClient
from django.utils import timezone
from redis import Redis

from receiver import intake, sqlite, store
from receiver.arrivals import Arrival
from receiver.frames import PLAIN, WRITTEN, id_of, unpack
from receiver.models import Delivery, HandlerRun, digest_of
from receiver.parts import Parts
from receiver.postgresql import PostgresWriter
from receiver.sqlite import SqliteWriter
from receiver.store import Receipt
from tests import github

pytestmark = pytest.mark.django_db(transaction=True)


def arrival(guid: str = "", **changes: object) -> Arrival:
    fields: dict[str, object] = {
        "guid": guid or str(uuid4()),
        "hook_id": 1,
        "source": "",
        "secret_position": 0,
        "event": "push",
        "headers": {"X-GitHub-Event": "push"},
        "content_type": "application/json",
        "body": b'{"zen": "\xc3\xa9"}',
        **changes,
    }
    return Arrival(digest=digest_of(fields["body"]), **fields)  # type: ignore[arg-type]


async def post(request: github.Request) -> Any:
    """Send a request through Django's stock handler and test client."""
    headers = {name: value for name, value in request.headers.items() if name != "Content-Type"}
    return await AsyncClient().post(
        "/webhooks/github", request.body, content_type=request.headers["Content-Type"], headers=headers
    )


Write = Callable[[list[Arrival]], Awaitable[list[store.Stored]]]


@pytest.fixture
def write(parts: Parts) -> Write:
    """Return a function that commits a batch without intake's queue."""

    async def commit(batch: list[Arrival]) -> list[store.Stored]:
        outcomes = await store.store(parts.intake.writers[0], batch)
        assert [outcome for outcome in outcomes if not isinstance(outcome, store.Stored)] == []
        return cast(list[store.Stored], outcomes)

    return commit


def receipts(stored: list[store.Stored]) -> list[str]:
    return [each.receipt.value for each in stored]


async def test_concurrent_arrivals_share_transactions_and_are_all_committed(parts: Parts) -> None:
    stored = await asyncio.gather(*(parts.intake.keep(arrival()) for _ in range(250)))
    assert {each.receipt for each in stored} == {Receipt.ACCEPTED}
    assert len({each.id for each in stored}) == 250
    assert await Delivery.objects.acount() == 250


async def test_of_one_key_twice_in_a_batch_the_first_makes_the_row_and_others_are_counted(
    write: Write,
) -> None:
    one, other = str(uuid4()), str(uuid4())
    batch = [arrival(one), arrival(other), arrival(one), arrival(one), arrival(one, hook_id=2)]
    stored = await write(batch)
    assert receipts(stored) == ["accepted", "accepted", "duplicate", "duplicate", "accepted"]
    assert stored[0].id == stored[2].id == stored[3].id != stored[4].id
    assert (await Delivery.objects.aget(pk=stored[0].id)).redeliveries == 2
    assert receipts(await write(batch)) == ["duplicate"] * 5
    assert (await Delivery.objects.aget(pk=stored[0].id)).redeliveries == 5
    assert (await Delivery.objects.aget(pk=stored[1].id)).redeliveries == 1


async def test_each_arrival_gets_the_id_of_its_own_row(write: Write) -> None:
    batch = [arrival() for _ in range(20)]
    for sent in (batch[::2], batch):  # all of them new, then every other one known
        stored = await write(sent)
        assert [str((await Delivery.objects.aget(pk=each.id)).guid) for each in stored] == [
            each.guid for each in sent
        ]


async def test_times_of_redeliveries_and_the_address_of_the_sender_are_kept(
    write: Write,
) -> None:
    first = arrival(address="192.0.2.1")
    begin = timezone.now() - timedelta(seconds=1)
    for _ in range(23):
        await write([first])
    row = await Delivery.objects.aget()
    assert (row.address, row.redeliveries, len(row.redelivered_at)) == ("192.0.2.1", 22, 20)
    times = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in row.redelivered_at]
    assert times == sorted(times)
    assert begin < times[0] <= times[-1] < timezone.now() + timedelta(seconds=1)
    await write([arrival(first.guid, body=b"other")])
    assert len((await Delivery.objects.aget()).redelivered_at) == 20


async def test_a_row_that_the_database_refuses_is_an_error_for_its_sender_alone(parts: Parts) -> None:
    good = [parts.intake.keep(arrival()) for _ in range(20)]
    bad = parts.intake.keep(arrival(hook_id=2**70))
    results = await asyncio.gather(*good[:9], bad, *good[9:], return_exceptions=True)
    assert [place for place, result in enumerate(results) if not isinstance(result, store.Stored)] == [9]
    assert isinstance(results[9], intake.StoreDownError)
    assert await Delivery.objects.acount() == 20


async def test_a_sender_that_has_gone_leaves_a_whole_row_or_none(parts: Parts) -> None:
    tasks = [asyncio.create_task(parts.intake.keep(arrival())) for _ in range(40)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, store.Stored) for result in results[1::2])
    assert 20 <= await Delivery.objects.acount() <= 40
    assert [
        bytes(body or b"") async for body in Delivery.objects.values_list("body", flat=True).distinct()
    ] == [arrival().body]


OTHERS = pytest.mark.parametrize("change", [{"body": b"other"}, {"event": "other"}], ids=["body", "event"])


@OTHERS
async def test_another_body_or_event_in_the_batch_is_a_conflict_and_the_rest_is_stored(
    write: Write, change: dict[str, object]
) -> None:
    guid = str(uuid4())
    first, other = arrival(guid), arrival(guid, **change)
    batch = [first, other, arrival(), first, other]
    stored = await write(batch)
    assert receipts(stored) == ["accepted", "conflict", "accepted", "duplicate", "conflict"]
    row = await Delivery.objects.aget(guid=guid)
    assert (row.body, row.redeliveries) == (arrival().body, 1)


@OTHERS
async def test_another_body_or_event_in_the_batch_does_not_keep_a_redelivery_from_its_repair(
    write: Write, change: dict[str, object]
) -> None:
    first = arrival()
    await write([first])
    await Delivery.objects.aupdate(status="dead", next_attempt_at=None)
    stored = await write([arrival(first.guid, **change), first])
    assert receipts(stored) == ["conflict", "redelivered"]
    assert (await Delivery.objects.aget()).status == "received"


async def test_a_redelivery_of_a_dead_one_keeps_what_succeeded_and_runs_the_rest_again(write: Write) -> None:
    first = arrival()
    [stored] = await write([first])
    await Delivery.objects.aupdate(status="dead", attempts=8, error="gone", next_attempt_at=None)
    for handler, outcome in (("a", "succeeded"), ("b", "permanent")):
        await HandlerRun.objects.acreate(
            delivery_id=stored.id, handler=handler, attempt=1, trigger="delivery", outcome=outcome,
            started_at="2026-01-01T00:00Z", duration=0,
        )  # fmt: skip
    assert receipts(await write([first, first])) == ["redelivered", "duplicate"]
    row = await Delivery.objects.aget()
    assert (row.status, row.attempts, row.error, row.redeliveries) == ("received", 0, "", 2)
    runs = HandlerRun.objects.values_list("handler", "superseded")
    assert {handler: again async for handler, again in runs} == {"a": False, "b": True}


async def test_the_view_works_under_djangos_test_client(redis: "Redis") -> None:
    request = github.sample("push__branch")
    answer = await post(request)
    assert (answer.status_code, answer.json()["status"]) == (202, "accepted")
    assert (await Delivery.objects.aget()).body == request.body


async def test_a_store_that_refuses_is_503_with_retry_after_and_leaves_no_row() -> None:
    request = github.sample("push__branch")

    def break_it() -> None:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE receiver_delivery RENAME TO receiver_delivery_away")

    def mend_it() -> None:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE receiver_delivery_away RENAME TO receiver_delivery")

    await sync_to_async(break_it)()
    try:
        answer = await post(request)
    finally:
        await sync_to_async(mend_it)()
    assert answer.status_code == 503
    assert int(answer["Retry-After"]) > 0
    assert list(answer.json()) == ["error"]
    assert await Delivery.objects.acount() == 0


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no pooler")
async def test_statements_have_names_on_a_direct_connection(parts: Parts, write: Write) -> None:
    await write([arrival()])
    writer = parts.intake.writers[0]
    assert isinstance(writer, PostgresWriter)
    assert writer._connection is not None
    names = await (await writer._connection.execute("SELECT name FROM pg_prepared_statements")).fetchall()
    assert names != []


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite compresses nothing")
def test_postgresql_compresses_no_body_again() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attstorage FROM pg_attribute"
            " WHERE attrelid = 'receiver_delivery'::regclass AND attname = 'body'"
        )
        assert cursor.fetchone() == ("e",)  # external: out of the row where it is long, never compressed


@pytest.mark.only("sqlite")
async def test_sqlite_builds_no_table_of_states_for_a_row_that_the_receiver_inserts(
    parts: Parts, write: Write
) -> None:
    def opcodes() -> set[str]:
        values = [None] * sqlite._PARAMETERS
        return {row[1] for row in connection.connection.execute(f"EXPLAIN {sqlite._statement(1)}", values)}

    await write([arrival()])
    writer = parts.intake.writers[0]
    assert isinstance(writer, SqliteWriter)
    assert "OpenEphemeral" not in await writer._run(opcodes)


def test_an_acknowledged_row_is_synced_to_the_disk() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            settings_of = {"journal_mode": "wal", "synchronous": 2}
            found = {name: cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in settings_of}
            assert found == settings_of
        else:
            cursor.execute("SHOW synchronous_commit")
            assert cursor.fetchone() == ("on",)


async def test_a_refused_batch_writes_nothing_at_all(write: Write) -> None:
    with pytest.raises(store.RefusedError):
        await write([arrival(), arrival(hook_id=2**70)])
    assert await Delivery.objects.acount() == 0


async def test_body_and_headers_are_stored_with_the_dictionary(write: Write) -> None:
    sent = github.sample("push__branch")
    headers = {name: value for name, value in sent.headers.items() if name.startswith("X-GitHub-")}
    await write([arrival(body=sent.body, headers=headers)])
    [(frame, packed)] = await sync_to_async(raw)("SELECT body, headers FROM receiver_delivery")
    assert id_of(bytes(frame)) == WRITTEN != PLAIN
    assert unpack(json.loads(packed)) == headers
    assert len(packed) < len(json.dumps(headers)) / 1.5


async def test_headers_that_were_damaged_are_none_and_stop_no_reader(write: Write) -> None:
    await write([arrival()])
    await sync_to_async(raw)("UPDATE receiver_delivery SET headers = '\"damaged\"' RETURNING id")
    assert [row.headers async for row in Delivery.objects.all()] == [{}]


def raw(statement: str) -> list[tuple[Any, ...]]:
    """Return what a statement returns, without Django's conversions."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


async def test_every_column_is_written_as_the_model_reads_it(write: Write) -> None:
    sent = arrival(
        source="acme", secret_position=3, action="opened", repository_id=7, repository="a/b", sender="é",
        installation_id=8, headers={"X-GitHub-Event": "push", "User-Agent": "Ü"},
    )  # fmt: skip
    await write([sent])
    row = await Delivery.objects.aget()
    stored = {name: getattr(row, name) for name in Arrival._fields}
    assert {**stored, "guid": str(row.guid)} == sent._asdict()
    assert row.size == len(sent.body)
    assert (row.status, row.attempts, row.worker, row.error, row.redeliveries) == ("received", 0, "", "", 0)
    assert abs(row.received_at - timezone.now()) < timedelta(minutes=1)
    assert row.next_attempt_at is not None
    assert timedelta() <= row.next_attempt_at - row.received_at < timedelta(seconds=1)
