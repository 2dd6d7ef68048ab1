"""Pruning: in which stages, never what is open, nothing forgotten, and each portion done once."""

import asyncio
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.db import connection, transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

import database
from ledger import operations, pruning, replays
from ledger.models import AggregatedUntil, Kind, Operation, Replay
from processing import claiming
from processing.running import Verdict
from receiver import store
from receiver.arrivals import Arrival
from receiver.models import Delivery, HandlerRun, Outcome, Status, Trigger, digest_of
from receiver.parts import Parts
from tests import github
from tests.processing.deliveries import settle, stored

pytestmark = pytest.mark.django_db(transaction=True)

KEPT = {"bodies": 30.0, "deliveries": 90.0, "keys": 400.0}


@pytest.fixture(autouse=True)
def _counted() -> None:
    """Let the statistics have counted all deliveries, as workers do each minute."""
    AggregatedUntil.objects.create(at=timezone.now())


def settled(days: float, status: Status = Status.SUCCEEDED, **changes: Any) -> Delivery:
    """Store a delivery that was settled so long ago, with one run."""
    at = timezone.now() - timedelta(days=days)
    row = stored(
        status=status, received_at=at, finished_at=at, next_attempt_at=None, action="opened", sender="ada",
        number=7, error="OSError: no route" if status == Status.DEAD else "", **changes,
    )  # fmt: skip
    HandlerRun.objects.create(
        delivery=row, handler="push.record", attempt=1, trigger=Trigger.DELIVERY, outcome=Outcome.FAILED,
        started_at=at, duration=0.1, error="OSError: no route", traceback="Traceback: secret.py",
    )  # fmt: skip
    return row


def many_settled(days: float, count: int) -> None:
    """Store equal deliveries that were settled so long ago; on PostgreSQL."""
    settled(days)
    columns = [str(field.column) for field in Delivery._meta.concrete_fields]
    names = ", ".join(name for name in columns if name not in {"id", "guid"})
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO receiver_delivery (guid, {names}) SELECT gen_random_uuid(), {names}"  # noqa: S608
            f" FROM receiver_delivery, generate_series(2, {count})"
        )


def asked(given: dict[str, float] | None = None, by: str = "ada", **options: Any) -> Operation:
    return operations.create(Kind.PRUNE, KEPT if given is None else given, by, worker="w:1", **options)


def portions(operation: Operation) -> Iterator[Operation]:
    """Run an operation; yield it after each portion."""
    while operation.state == "running":
        advanced = operations.advance(operation, pruning.step)
        assert advanced is not None
        operation = advanced[0]
        yield operation


def pruned(given: dict[str, float] | None = None) -> Operation:
    *_, ended = portions(asked(given))
    assert ended.state == "finished"
    return ended


def test_a_body_and_its_tracebacks_go_after_keep_bodies_and_everything_else_stays() -> None:
    old, young = settled(31, Status.DEAD), settled(29)
    before = Delivery.objects.filter(pk=old.pk).values().get()
    assert pruned().done == 1
    after = Delivery.objects.filter(pk=old.pk).values().get()
    assert after == before | {"body": None}
    run = HandlerRun.objects.get(delivery=old)
    assert (run.error, run.traceback) == ("OSError: no route", "")
    young.refresh_from_db()
    assert young.body
    assert HandlerRun.objects.get(delivery=young).traceback


def test_only_the_key_is_left_after_keep_deliveries() -> None:
    old = settled(91, Status.DEAD)
    replays.note([old.pk], "ada")
    pruned()
    row = Delivery.objects.get(pk=old.pk)
    assert (row.only_key, row.body, row.headers, row.error, row.repository, row.sender) == (
        True, None, {}, "", "", "",
    )  # fmt: skip
    assert (row.guid, row.hook_id, row.source, row.digest, row.size, row.status) == (
        old.guid, old.hook_id, old.source, old.digest, old.size, Status.DEAD,
    )  # fmt: skip
    assert not HandlerRun.objects.exists()
    assert not Replay.objects.exists()


def test_a_delivery_stays_until_the_statistics_have_counted_it() -> None:
    AggregatedUntil.objects.update(at=timezone.now() - timedelta(days=95))
    settled(100)
    stays = settled(94)
    pruned()
    assert Delivery.objects.get(only_key=False).pk == stays.pk
    AggregatedUntil.objects.update(at=timezone.now())
    pruned()
    assert not Delivery.objects.filter(only_key=False).exists()


def test_the_key_goes_after_keep_keys() -> None:
    settled(401)
    stays = settled(399)
    assert pruned().done == 2 * 2 + 1
    assert [row.pk for row in Delivery.objects.all()] == [stays.pk]


def test_what_is_open_is_never_pruned() -> None:
    ages = timezone.now() - timedelta(days=500)
    for status in (Status.RECEIVED, Status.PROCESSING, Status.RETRYING):
        stored(status=status, received_at=ages)
    before = list(Delivery.objects.order_by("pk").values())
    assert pruned().done == 0
    assert list(Delivery.objects.order_by("pk").values()) == before


def test_zero_keeps_for_ever(settings: Settings) -> None:
    settled(500)
    settings.KEEP_BODIES = settings.KEEP_DELIVERIES = 0.0
    assert pruning.start_if_due() is None
    # A key goes only after its delivery.
    assert pruned({"keys": 400.0}).done == 0
    assert Delivery.objects.get().body


def test_many_that_were_settled_at_once_are_pruned_in_portions() -> None:
    at = timezone.now() - timedelta(days=40)
    for _ in range(5):
        stored(status=Status.SUCCEEDED, finished_at=at)
    assert [operation.done for operation in portions(asked({"bodies": 30.0}, rate=2.0))] == [2, 4, 5, 5, 5]
    assert not Delivery.objects.filter(body__isnull=False).exists()


def test_the_next_operation_begins_where_the_last_one_ended_and_forgets_nothing() -> None:
    settled(40)
    pruned()
    # It was replayed since, and settled again.
    again = settled(0)
    late = operations.create(Kind.PRUNE, KEPT, "ada", worker="w:1")
    Operation.objects.filter(pk=late.pk).update(created_at=timezone.now() + timedelta(days=31))
    *_, ended = portions(late)
    assert ended.done == 1
    again.refresh_from_db()
    assert again.body is None


def test_a_portion_that_was_killed_is_done_again_by_the_next_worker() -> None:
    rows = [settled(40 - number) for number in range(3)]
    operation = asked({"bodies": 30.0})

    class Killed(BaseException):
        pass

    def killed(row: Operation) -> operations.Progress:
        pruning.step(row)
        raise Killed

    with pytest.raises(Killed):
        operations.advance(operation, killed)
    assert Delivery.objects.filter(body__isnull=False).count() == len(rows)
    Operation.objects.filter(pk=operation.pk).update(lease_expires_at=timezone.now())
    taken = operations.claim("w:2", [Kind.PRUNE])
    assert taken is not None
    *_, ended = portions(taken)
    assert (ended.done, ended.state) == (3, "finished")
    assert not Delivery.objects.filter(body__isnull=False).exists()


def test_a_locked_row_is_not_waited_for_and_not_forgotten(database_url: str) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite locks no rows")
    first, locked, last = settled(42), settled(41), settled(40)
    operation = asked({"bodies": 30.0})
    steps = portions(operation)
    with psycopg.connect(database_url) as other:
        other.execute("SELECT FROM receiver_delivery WHERE id = %s FOR UPDATE", [locked.pk])
        assert next(steps).done == 2
        assert next(steps).done == 2
        assert set(Delivery.objects.filter(body=None).values_list("pk", flat=True)) == {first.pk, last.pk}
    *_, ended = steps
    assert (ended.state, ended.done) == ("finished", 3)


async def test_receiver_worker_and_pages_do_not_wait_for_a_portion_of_5000_deliveries(
    parts: Parts,
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    await sync_to_async(many_settled)(40, pruning.MAX_PORTION)
    operation = await sync_to_async(asked)({"bodies": 30.0})
    operation.cursor = {"stage": 0, "size": pruning.MAX_PORTION, "marks": {}}
    pruned_there, go_on = Event(), Event()

    def hold() -> int:
        try:
            with transaction.atomic():
                done = pruning.step(operation).done
                pruned_there.set()
                go_on.wait(60)
            return done
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        portion = thread.submit(hold)
        try:
            assert await asyncio.to_thread(pruned_there.wait, 60)
            async with asyncio.timeout(30):
                body = github.sample("push__branch").body
                new = Arrival(str(uuid4()), 1, "", 0, "push", {}, "application/json", body, digest_of(body))
                [outcome] = await store.store(parts.intake.writers[0], [new])
                assert isinstance(outcome, store.Stored)
                claims = await database.run(claiming.claim, "w:1", claiming.LEASE, 100, 10**9)
                assert [claimed.delivery.id for claimed in claims.claims] == [outcome.id]
                await settle(claims.claims[0], Verdict(Status.SUCCEEDED))
                rows = Delivery.objects.order_by("-received_at", "-pk").values_list("status", "body")
                assert [status async for status, _ in rows[:50]] == ["succeeded"] * 50
            assert not portion.done()
        finally:
            go_on.set()
        assert await asyncio.wrap_future(portion) == pruning.MAX_PORTION


def test_the_table_stops_growing_once_as_much_is_pruned_as_arrives() -> None:
    now, chosen = timezone.now(), random.Random(7)  # noqa: S311 - bytes that cannot be compressed
    week = timedelta(days=7)
    sizes = []
    with connection.cursor() as cursor:  # gives back what other tests left
        cursor.execute("VACUUM FULL receiver_delivery" if connection.vendor == "postgresql" else "VACUUM")
    for number in range(12):
        at = now + number * week
        Delivery.objects.bulk_create(
            [
                Delivery(
                    guid=uuid4(), hook_id=1, event="push", headers={}, content_type="application/json",
                    body=chosen.randbytes(600), size=600, digest=bytes(16), received_at=at, finished_at=at,
                    status=Status.SUCCEEDED, repository=f"harbour-works/{place}",
                )
                for place in range(100)
            ]
        )  # fmt: skip
        AggregatedUntil.objects.update(at=at + week)
        operation = asked({"bodies": 7.0, "deliveries": 14.0, "keys": 21.0})
        Operation.objects.filter(pk=operation.pk).update(created_at=at + timedelta(hours=1))
        operation.refresh_from_db()
        *_, ended = portions(operation)
        assert ended.state == "finished"
        sizes.append(occupied())
    assert Delivery.objects.count() == 3 * 100
    # The first weeks fill what the longest of the three times keeps.
    assert max(sizes[8:]) <= 1.1 * max(sizes[4:8])


def occupied() -> int:
    """Return the bytes of the deliveries and their indexes; on SQLite, of the file."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM receiver_delivery")  # as autovacuum does
            cursor.execute("SELECT pg_total_relation_size('receiver_delivery')")
        else:
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
        return int(cursor.fetchone()[0])


def test_a_row_of_version_0_1_keeps_the_digest_of_its_body() -> None:
    old = settled(40, size=None, digest=None)
    body = old.body
    assert body is not None
    pruned()
    row = Delivery.objects.get()
    assert row.digest is not None
    assert (row.body, bytes(row.digest), row.size) == (None, digest_of(body), len(body))


def test_a_body_that_nobody_can_decompress_is_pruned_too() -> None:
    row = settled(40, digest=None)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE receiver_delivery SET body = %s WHERE id = %s", [b"no frame", row.pk])
    pruned()
    assert Delivery.objects.get().body is None


def test_workers_start_one_each_day_while_there_is_something_to_prune(settings: Settings) -> None:
    assert pruning.start_if_due() is None
    settled(40)
    first = pruning.start_if_due()
    assert first is not None
    assert (first.parameters, first.requested_by) == (KEPT, "automatic")
    assert pruning.start_if_due() is None
    taken = operations.claim("w:1", [Kind.PRUNE])
    assert taken is not None
    *_, ended = portions(taken)
    settled(25)
    settings.KEEP_BODIES = 20.0
    assert pruning.start_if_due() is None
    Operation.objects.filter(pk=ended.pk).update(created_at=timezone.now() - timedelta(hours=25))
    again = pruning.start_if_due()
    assert again is not None
    assert again.pk != first.pk
