"""Leases: one holder at a time, taken over when they end, and settled only by who holds them."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.utils import timezone

import database
from processing import claiming, sweep
from processing.claiming import LEASE, Claimed
from processing.settling import LeaseLostError, Run, Verdict, settle
from receiver.models import Delivery, HandlerRun, Outcome, Status, Trigger
from tests.processing.deliveries import stored

pytestmark = pytest.mark.django_db(transaction=True)

make = sync_to_async(stored)

PAST, FUTURE = timedelta(hours=-1), timedelta(hours=1)


def claim(*rows: Delivery, worker: str = "a", lease: timedelta = LEASE) -> list[int]:
    return [claimed.delivery.id for claimed in take(*rows, worker=worker, lease=lease)]


def take(*rows: Delivery, worker: str = "a", lease: timedelta = LEASE) -> list[Claimed]:
    return claiming.claim([row.pk for row in rows], worker, lease).claims


def lose(row: Delivery) -> None:
    """Let the sweep find that a lease has ended."""
    Delivery.objects.filter(pk=row.pk).update(lease_expires_at=timezone.now() + PAST)
    assert sweep.find() == [(row.pk, Trigger.SWEEP)]


def test_a_claim_takes_what_is_free_in_the_order_of_receipt_and_nobody_takes_it_again() -> None:
    rows = [stored() for _ in range(3)]
    assert claim(*reversed(rows)) == [row.pk for row in rows]
    assert claim(*rows, worker="b") == []
    assert set(Delivery.objects.values_list("status", "worker")) == {("processing", "a")}


@pytest.mark.parametrize("status", ["succeeded", "ignored", "invalid", "dead"])
def test_what_is_terminal_is_not_claimed(status: str) -> None:
    assert claim(stored(status=status)) == []


def test_a_retry_is_claimed_when_the_sweep_has_found_it_due_and_not_before() -> None:
    rows = [stored(status="retrying", next_attempt_at=timezone.now() + when) for when in (FUTURE, PAST)]
    assert claim(*rows) == []
    assert sweep.find() == [(rows[1].pk, Trigger.RETRY)]
    assert claim(*rows) == [rows[1].pk]


async def test_a_lease_that_has_ended_is_taken_over_and_its_first_holder_cannot_settle() -> None:
    row = await make()
    [first] = await database.run(take, row, worker="a")
    await database.run(lose, row)
    [second] = await database.run(take, row, worker="b")
    run = Run("h", 1, Trigger.DELIVERY, Outcome.SUCCEEDED, timezone.now())
    outcomes = await asyncio.gather(
        settle(first, Verdict(Status.DEAD, runs=[run])),
        settle(second, Verdict(Status.SUCCEEDED)),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [LeaseLostError, type(None)]
    assert await HandlerRun.objects.acount() == 0
    row = await Delivery.objects.aget()
    assert (row.status, row.attempts) == ("succeeded", 1)
    assert row.finished_at is not None
    assert row.lease_expires_at is None


async def test_a_worker_that_lost_a_lease_and_took_it_again_settles_only_the_second() -> None:
    row = await make()
    [first] = await database.run(take, row)
    await database.run(lose, row)
    [second] = await database.run(take, row)
    with pytest.raises(LeaseLostError):
        await settle(first, Verdict(Status.DEAD))
    await settle(second, Verdict(Status.SUCCEEDED))
    assert (await Delivery.objects.aget()).status == "succeeded"


async def test_a_worker_whose_claim_a_crash_of_the_server_undid_cannot_settle_that_of_another() -> None:
    row = await make()
    [undone] = await database.run(take, row, worker="a")
    await Delivery.objects.aupdate(status="received", claims=0, worker="")
    [claimed] = await database.run(take, row, worker="b")
    with pytest.raises(LeaseLostError):
        await settle(undone, Verdict(Status.DEAD))
    assert await database.run(claiming.renew, [undone.lease], LEASE) == set()
    assert await database.run(claiming.release, [undone.lease]) == 0
    await settle(claimed, Verdict(Status.SUCCEEDED))
    assert (await Delivery.objects.aget()).status == "succeeded"


def test_a_lease_that_is_renewed_is_not_taken_over() -> None:
    rows = [stored() for _ in range(3)]
    claims = take(*rows, lease=timedelta(seconds=-1))
    lost = claims.pop()
    lose_at = Delivery.objects.get(pk=lost.delivery.id).lease_expires_at
    leases = [claimed.lease for claimed in claims]
    assert claiming.renew([*leases, (lost.delivery.id, 99, "a")], LEASE) == set(leases)
    assert sweep.find() == [(lost.delivery.id, Trigger.SWEEP)]
    assert lose_at is not None
    ends = Delivery.objects.filter(pk__in=[pk for pk, *_ in leases]).values_list(
        "lease_expires_at", flat=True
    )
    assert min(end for end in ends if end) > lose_at + LEASE


def test_a_claim_loads_no_more_than_fits_and_leaves_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [stored() for _ in range(3)]
    monkeypatch.setattr(claiming, "LOAD", 1)
    portion = claiming.claim([row.pk for row in rows], "a", LEASE)
    assert [claimed.delivery.id for claimed in portion.claims] == [rows[0].pk]
    assert portion.left == [rows[1].pk, rows[2].pk]
    assert portion.claims[0].delivery.body == rows[0].body


def test_what_is_given_back_is_free_at_once_and_no_attempt_is_used_up() -> None:
    row = stored()
    claims = take(row)
    assert claiming.release([claimed.lease for claimed in claims]) == 1
    row.refresh_from_db()
    assert (row.status, row.attempts) == ("received", 0)
    assert row.next_attempt_at is not None
    assert row.next_attempt_at <= timezone.now() + timedelta(seconds=1)
    assert claim(row, worker="b") == [row.pk]


def test_deliveries_of_one_guid_are_at_work_one_at_a_time() -> None:
    guid = uuid4()
    one, other = stored(guid=guid, hook_id=1), stored(guid=guid, hook_id=2)
    assert claim(one, other) == [one.pk]
    assert claim(other, worker="b") == []
    Delivery.objects.filter(pk=one.pk).update(status="succeeded")
    assert claim(other, worker="b") == [other.pk]


def test_claimers_of_other_hooks_at_once_never_have_two_deliveries_of_one_guid_at_work() -> None:
    for _ in range(5):
        guids = [uuid4() for _ in range(20)]
        hooks = [[stored(guid=guid, hook_id=hook) for guid in guids] for hook in range(4)]
        start = Barrier(len(hooks))

        def race(rows: list[Delivery], start: Barrier = start) -> list[int]:
            try:
                start.wait()
                return claim(*rows, worker=str(rows[0].hook_id))
            finally:
                connection.close()

        with ThreadPoolExecutor(len(hooks)) as threads:
            taken = [pk for claims in threads.map(race, hooks) for pk in claims]
        at_work = Delivery.objects.filter(status="processing", guid__in=guids)
        assert sorted(taken) == sorted(at_work.values_list("pk", flat=True))
        assert sorted(at_work.values_list("guid", flat=True)) == sorted(guids)


def test_what_succeeded_for_the_guid_is_done_and_what_failed_for_good_is_done_for_its_own_row() -> None:
    guid = uuid4()
    one, other = stored(guid=guid, hook_id=1, status="dead"), stored(guid=guid, hook_id=2)
    _run(one, handler="wrote", outcome="succeeded").save()
    _run(one, handler="refused", outcome="permanent").save()
    _run(other, handler="gave up", outcome="permanent").save()
    _run(other, handler="asked anew", outcome="succeeded", superseded=True).save()
    _run(other, handler="failed", outcome="failed").save()
    [claimed] = take(other)
    assert claimed.done == {"wrote": "succeeded", "gave up": "permanent"}


def test_many_claimers_at_once_share_the_deliveries_without_overlap() -> None:
    rows = [stored() for _ in range(40)]

    def race(worker: str) -> list[int]:
        try:
            return claim(*rows, worker=worker)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        taken = [pk for claims in threads.map(race, "abcdef") for pk in claims]
    assert sorted(taken) == sorted(row.pk for row in rows)


def _run(row: Delivery, **changes: object) -> HandlerRun:
    fields = {"handler": "h", "attempt": 1, "trigger": "delivery", "outcome": "succeeded", "duration": 0.0}
    return HandlerRun(delivery=row, started_at=timezone.now(), **{**fields, **changes})
