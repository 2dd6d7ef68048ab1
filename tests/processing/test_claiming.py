"""Claims take what is due, oldest first, for one worker at a time. Only the holder of a lease settles."""

import asyncio
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, transaction
from django.utils import timezone

import database
from database import row_sets
from processing import claiming, ordering, settling
from processing.claiming import LEASE, Claimed
from processing.leases import Leases
from processing.running import Run, Verdict
from processing.settling import LeaseLostError
from receiver.models import Delivery, HandlerRun, Outcome, Status, Trigger
from tests.processing.deliveries import settle, stored

pytestmark = pytest.mark.django_db(transaction=True)

make = sync_to_async(stored)

PAST, FUTURE = timedelta(hours=-1), timedelta(hours=1)
PLENTY = 1_000, 10**9  # deliveries and bytes


def take(
    worker: str = "a", capacity: tuple[int, int] = PLENTY, lease: timedelta = LEASE, **more: Any
) -> list[Claimed]:
    return claiming.claim(worker, lease, *capacity, **more).claims


def take_suspects(worker: str = "a") -> list[Claimed]:
    return take(worker, takeover=False, suspects=True)


def ids(claims: Sequence[Claimed]) -> list[int]:
    return [claimed.delivery.id for claimed in claims]


def lose(row: Delivery) -> None:
    """End a lease."""
    Delivery.objects.filter(pk=row.pk).update(lease_expires_at=timezone.now() + PAST)


def test_a_claim_takes_what_is_due_in_the_order_of_receipt_and_nobody_takes_it_again() -> None:
    now = timezone.now()
    rows = [stored(received_at=now - timedelta(seconds=second)) for second in range(3)]
    assert ids(take()) == [row.pk for row in reversed(rows)]
    assert take("b") == []
    assert set(Delivery.objects.values_list("status", "worker", "next_attempt_at")) == {
        ("processing", "a", None)
    }


def test_a_claim_reads_the_headers_whichever_way_they_were_stored() -> None:
    sent = {"X-GitHub-Event": "push", "X-GitHub-Enterprise-Host": "git.example.com"}
    for headers in (sent, {}):
        stored(headers=headers)
    plain = stored()
    update = "UPDATE receiver_delivery SET headers = %s WHERE id = %s"
    with connection.cursor() as cursor:
        cursor.execute(update, [json.dumps(sent), plain.pk])
    assert [one.delivery.headers for one in take()] == [sent, {}, sent]


@pytest.mark.parametrize("status", ["succeeded", "ignored", "invalid", "dead"])
def test_what_is_terminal_is_not_claimed(status: str) -> None:
    stored(status=status)
    assert take() == []


def test_a_retry_is_claimed_when_its_time_has_come_and_not_before() -> None:
    rows = [stored(status="retrying", next_attempt_at=timezone.now() + when) for when in (FUTURE, PAST)]
    assert ids(take()) == [rows[1].pk]


def test_a_claim_takes_no_more_deliveries_and_bytes_than_its_capacity_and_the_oldest_first() -> None:
    rows = [stored() for _ in range(4)]
    size = Delivery.objects.get(pk=rows[0].pk).size or 0
    assert ids(take(capacity=(1, 10**9))) == [rows[0].pk]
    assert ids(take(capacity=(10, 2 * size))) == [rows[1].pk, rows[2].pk]
    assert take(capacity=(10, size - 1), held=[rows[0].pk]) == []
    assert ids(take(capacity=(10, size - 1))) == [rows[3].pk]


def test_a_row_of_version_01_whose_size_is_not_known_is_claimed() -> None:
    row = stored(size=None, digest=None)
    assert ids(take()) == [row.pk]


async def test_a_lease_that_has_ended_is_taken_over_and_its_first_holder_cannot_settle() -> None:
    row = await make()
    [first] = await database.run(take, "a")
    await database.run(lose, row)
    assert await database.run(take, "b") == []
    [second] = await database.run(take_suspects, "b")
    run = Run("h", 1, Trigger.DELIVERY, Outcome.SUCCEEDED, timezone.now())
    outcomes = await asyncio.gather(
        settle(first, Verdict(Status.DEAD, runs=[run])),
        settle(second, Verdict(Status.SUCCEEDED)),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [LeaseLostError, int]
    assert await HandlerRun.objects.acount() == 0
    row = await Delivery.objects.aget()
    assert (row.status, row.attempts) == ("succeeded", 1)
    assert row.finished_at is not None
    assert row.lease_expires_at is None


def test_what_another_worker_lost_is_suspect_once_and_says_so() -> None:
    row = stored(
        status="processing", worker="gone", lease_expires_at=timezone.now() + PAST, next_attempt_at=None
    )
    result = claiming.claim("a", LEASE, *PLENTY)
    assert (result.claims, result.suspects) == ([], True)
    [claimed] = take_suspects()
    assert (claimed.delivery.crashes, claimed.delivery.trigger) == (1, "sweep")
    Delivery.objects.filter(pk=row.pk).update(worker="gone", lease_expires_at=timezone.now() + PAST)
    assert take() == []
    [claimed] = take_suspects()
    assert claimed.delivery.crashes == 1


def test_an_isolating_process_takes_suspects_alone_and_its_worker_takes_what_is_none() -> None:
    good, suspect = stored(), stored(crashes=1)
    assert ids(take_suspects()) == [suspect.pk]
    assert ids(take("a", held=[], recover=True)) == [good.pk], "it left the suspect to its process"
    lose(suspect)
    assert take("a", held=[good.pk]) == []
    assert ids(take_suspects()) == [suspect.pk]


def test_after_an_outage_nothing_is_taken_over_until_other_workers_could_renew() -> None:
    stored(status="processing", worker="b", lease_expires_at=timezone.now() + PAST, next_attempt_at=None)
    assert claiming.claim("a", LEASE, *PLENTY, takeover=False).suspects is False
    assert claiming.claim("a", LEASE, *PLENTY).suspects is True


def test_a_workers_own_lease_that_ended_is_claimed_again_without_suspicion_unless_it_holds_it() -> None:
    row = stored(
        status="processing", worker="a", lease_expires_at=timezone.now() + PAST, next_attempt_at=None
    )
    assert take("a", held=[row.pk]) == []
    [claimed] = take("a", takeover=False)
    assert (claimed.delivery.crashes, claimed.delivery.trigger) == (0, "delivery")


def test_a_claim_whose_answer_was_lost_is_found_again_at_once() -> None:
    row, other = stored(), stored()
    take(capacity=(1, 10**9))
    assert ids(take("a", held=[])) == [other.pk]
    [claimed] = take("a", held=[other.pk], recover=True)
    assert (claimed.delivery.id, claimed.delivery.claims, claimed.delivery.crashes) == (row.pk, 2, 0)


async def test_a_verdict_that_the_database_refuses_fails_its_attempt_and_no_other() -> None:
    await make()
    await make()
    claims = await database.run(take)
    strange: Any = "strange"
    ended = [(one, Verdict(status)) for one, status in zip(claims, [Status.IGNORED, strange], strict=True)]
    errors, _ = await settling.settle_all(ended)
    assert errors == [None, None]
    good, bad = [row async for row in Delivery.objects.order_by("pk")]
    assert (good.status, bad.status, bad.attempts) == ("ignored", "retrying", 1)
    assert bad.error.startswith("IntegrityError: ")
    assert [verdict.status for _, verdict in ended] == [Status.IGNORED, Status.RETRYING]


async def test_a_worker_that_lost_a_lease_and_took_it_again_settles_only_the_second() -> None:
    row = await make()
    [first] = await database.run(take)
    await database.run(lose, row)
    [second] = await database.run(take)
    with pytest.raises(LeaseLostError):
        await settle(first, Verdict(Status.DEAD))
    await settle(second, Verdict(Status.SUCCEEDED))
    assert (await Delivery.objects.aget()).status == "succeeded"


async def test_a_worker_whose_claim_a_crash_of_the_server_undid_cannot_settle_that_of_another() -> None:
    await make()
    [undone] = await database.run(take, "a")
    await Delivery.objects.aupdate(status="received", claims=0, worker="", next_attempt_at=timezone.now())
    [claimed] = await database.run(take, "b")
    with pytest.raises(LeaseLostError):
        await settle(undone, Verdict(Status.DEAD))
    assert await database.run(claiming.renew, [undone.lease], LEASE) == set()
    await settle(claimed, Verdict(Status.SUCCEEDED))
    assert (await Delivery.objects.aget()).status == "succeeded"


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's commits are durable")
def test_a_settlement_and_what_follows_it_do_not_wait_for_the_disk() -> None:
    row = stored(ordering_key="1")
    [claimed] = take()
    writes: list[Callable[[], object]] = [
        lambda: settling._write([(claimed, Verdict(Status.SUCCEEDED))]),
        lambda: settling._settle_siblings([row.pk]),
        lambda: ordering.unblock(["1"]),
    ]
    for write in writes:
        with transaction.atomic():
            write()
            assert row_sets.execute("SHOW synchronous_commit", []) == [("off",)]
        assert row_sets.execute("SHOW synchronous_commit", []) == [("on",)]


async def test_after_a_restore_an_old_lease_settles_nothing_of_the_delivery_that_was_given_its_id() -> None:
    row = await make()
    [old] = await database.run(take)
    # A restored database reuses the id, and the same worker claims it for the first time.
    await Delivery.objects.aupdate(guid=uuid4(), status="received", claims=0, next_attempt_at=timezone.now())
    [new] = await database.run(take)
    assert (old.lease[0], old.lease[2:]) == (new.lease[0], new.lease[2:]) == (row.pk, (1, "a"))
    with pytest.raises(LeaseLostError):
        await settle(old, Verdict(Status.DEAD))
    assert await database.run(claiming.renew, [old.lease], LEASE) == set()
    assert (await Delivery.objects.aget()).status == "processing"
    leases = Leases(LEASE)
    before = leases.free_bytes
    leases.take([old])
    leases.take([new])
    leases.drop(old)
    leases.drop(new)
    assert leases.free_bytes == before


def test_a_delivery_is_due_in_the_moment_in_which_it_is_stored() -> None:
    rows = []
    for _ in range(100):
        rows.append(stored().pk)
        assert ids(take()) == rows[-1:]


def test_a_lease_that_is_renewed_is_not_taken_over() -> None:
    for _ in range(3):
        stored()
    claims = take(lease=timedelta(seconds=-1))
    lost = claims.pop()
    [pk, guid, *_] = lost.lease
    held = [claimed.lease for claimed in claims]
    assert claiming.renew([*held, (pk, guid, 99, "a")], LEASE) == set(held)
    assert take("b") == []
    assert ids(take_suspects("b")) == [pk]


def test_what_is_given_back_is_due_at_once_and_no_attempt_is_used_up() -> None:
    row = stored()
    other = stored()
    assert ids(take(capacity=(1, 10**9))) == [row.pk]
    assert ids(take("b")) == [other.pk]
    assert claiming.release("a") == [str(row.guid)]
    row.refresh_from_db()
    assert (row.status, row.attempts) == ("received", 0)
    assert ids(take("b")) == [row.pk]


def test_siblings_are_in_processing_one_at_a_time_and_fill_no_claim() -> None:
    guid = uuid4()
    siblings = [stored(guid=guid, hook_id=hook) for hook in range(100)]
    stranger = stored(guid=guid, source="acme")
    later = stored()
    taken: list[int] = []
    while (result := claiming.claim("a", LEASE, 10, 10**9)).more:
        taken += ids(result.claims)
    assert taken + ids(result.claims) == [siblings[0].pk, stranger.pk, later.pk]


async def test_siblings_of_a_delivery_that_succeeded_are_settled_with_it_and_their_handlers_are_skipped() -> (
    None
):
    guid = uuid4()
    rows = [await make(guid=guid, hook_id=hook) for hook in range(3)]
    another = await make("push__tag_annotated", guid=guid, hook_id=9)
    [claimed] = await database.run(take)
    run = Run("push.record", 1, Trigger.DELIVERY, Outcome.SUCCEEDED, timezone.now())
    assert await settle(claimed, Verdict(Status.SUCCEEDED, runs=[run])) == 1, "the other payload is due"
    statuses = [row async for row in Delivery.objects.order_by("pk").values_list("status", "attempts")]
    assert statuses == [("succeeded", 1)] * 3 + [("received", 0)]
    runs = HandlerRun.objects.order_by("delivery_id").values_list("delivery_id", "handler", "outcome")
    assert [run async for run in runs] == [
        (rows[0].pk, "push.record", "succeeded"),
        (rows[1].pk, "push.record", "skipped"),
        (rows[2].pk, "push.record", "skipped"),
    ]
    assert ids(await database.run(take)) == [another.pk]


async def test_many_siblings_take_two_claims() -> None:
    first = await make(guid=uuid4(), hook_id=1)
    fields = [field.attname for field in Delivery._meta.concrete_fields[1:] if field.attname != "trigger"]
    row = {name: getattr(first, name) for name in fields}
    count = 2 * settling.SIBLINGS + 1
    await Delivery.objects.abulk_create(Delivery(**row | {"hook_id": hook}) for hook in range(2, count + 1))
    [claimed] = await database.run(take)
    await settle(claimed, Verdict(Status.IGNORED))
    assert await Delivery.objects.filter(status="ignored").acount() == count
    assert await database.run(take) == []


async def test_siblings_of_a_delivery_that_failed_are_due_at_once() -> None:
    guid = uuid4()
    first, second = await make(guid=guid, hook_id=1), await make(guid=guid, hook_id=2)
    [claimed] = await database.run(take)
    assert await database.run(take) == []
    assert claimed.delivery.id == first.pk
    await settle(claimed, Verdict(Status.RETRYING, retry_after=3600.0))
    assert ids(await database.run(take)) == [second.pk]


def test_claimers_at_once_never_have_two_deliveries_of_one_guid_in_processing() -> None:
    for _ in range(5):
        guids = [uuid4() for _ in range(20)]
        for hook in range(4):
            for guid in guids:
                stored(guid=guid, hook_id=hook)
        taken = race("abcd")
        at_work = Delivery.objects.filter(status="processing", guid__in=guids)
        assert sorted(taken) == sorted(at_work.values_list("pk", flat=True))
        assert sorted(at_work.values_list("guid", flat=True)) == sorted(guids)
        Delivery.objects.all().delete()


def test_many_claimers_at_once_share_the_deliveries_without_overlap() -> None:
    rows = [stored() for _ in range(40)]
    assert sorted(race("abcdef", (10, 10**9))) == sorted(row.pk for row in rows)


def race(workers: str, capacity: tuple[int, int] = PLENTY) -> list[int]:
    """Claim from several workers at once until none finds anything; return all claims."""
    start = Barrier(len(workers))

    def claim(worker: str) -> list[int]:
        taken: list[int] = []
        try:
            start.wait()
            while True:
                result = claiming.claim(worker, LEASE, *capacity)
                taken += ids(result.claims)
                if not result.more:
                    return taken
        finally:
            connection.close()

    with ThreadPoolExecutor(len(workers)) as threads:
        return [pk for taken in threads.map(claim, workers) for pk in taken]


def test_what_succeeded_for_a_sibling_is_done_and_what_failed_for_good_is_done_for_its_own_row() -> None:
    guid = uuid4()
    one = stored(guid=guid, hook_id=1, status="dead")
    other = stored(guid=guid, hook_id=2)
    stranger = stored("push__tag_annotated", guid=guid, hook_id=3, status="succeeded")
    _run(one, handler="wrote", outcome="succeeded").save()
    _run(one, handler="refused", outcome="permanent").save()
    _run(other, handler="gave up", outcome="permanent").save()
    _run(other, handler="asked anew", outcome="succeeded", superseded=True).save()
    _run(other, handler="failed", outcome="failed").save()
    _run(stranger, handler="elsewhere", outcome="succeeded").save()
    [claimed] = take()
    assert claimed.delivery.id == other.pk
    assert claimed.done == {"wrote": "succeeded", "gave up": "permanent"}


def _run(row: Delivery, **changes: object) -> HandlerRun:
    fields = {"handler": "h", "attempt": 1, "trigger": "delivery", "outcome": "succeeded", "duration": 0.0}
    return HandlerRun(delivery=row, started_at=timezone.now(), **{**fields, **changes})
