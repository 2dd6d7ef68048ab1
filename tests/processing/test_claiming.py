"""Leases: one holder at a time, taken over when they end, and settled only by who holds them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from processing import claiming
from processing.claiming import LEASE, LeaseLostError, Verdict
from receiver.models import Delivery, HandlerRun, Status
from tests.processing.deliveries import stored

pytestmark = pytest.mark.django_db(transaction=True)

PAST, FUTURE = timedelta(hours=-1), timedelta(hours=1)


def claim(*rows: Delivery, worker: str = "a", lease: timedelta = LEASE) -> list[int]:
    return [claimed.delivery.pk for claimed in claiming.claim([row.pk for row in rows], worker, lease)]


def test_a_claim_takes_what_is_free_in_the_order_of_receipt_and_nobody_takes_it_again() -> None:
    rows = [stored() for _ in range(3)]
    assert claim(*reversed(rows)) == [row.pk for row in rows]
    assert claim(*rows, worker="b") == []
    assert set(Delivery.objects.values_list("status", "worker")) == {("processing", "a")}


@pytest.mark.parametrize("status", ["succeeded", "ignored", "invalid", "dead"])
def test_what_is_terminal_is_not_claimed(status: str) -> None:
    assert claim(stored(status=status)) == []


def test_a_retry_is_claimed_when_it_is_due_and_not_before() -> None:
    assert claim(stored(status="retrying", next_attempt_at=timezone.now() + FUTURE)) == []
    due = stored(status="retrying", next_attempt_at=timezone.now() + PAST)
    assert claim(due) == [due.pk]


def test_a_lease_that_has_ended_is_taken_over_and_its_first_holder_cannot_settle() -> None:
    row = stored()
    [first] = claiming.claim([row.pk], "a", timedelta(seconds=-1))
    [second] = claiming.claim([row.pk], "b", LEASE)
    with pytest.raises(LeaseLostError):
        claiming.settle(first, Verdict(Status.DEAD, runs=[_run(row)]))
    assert HandlerRun.objects.count() == 0
    claiming.settle(second, Verdict(Status.SUCCEEDED))
    row.refresh_from_db()
    assert (row.status, row.attempts) == ("succeeded", 1)
    assert row.finished_at is not None
    assert row.lease_expires_at is None


def test_a_worker_that_lost_a_lease_and_took_it_again_settles_only_the_second() -> None:
    row = stored()
    [first] = claiming.claim([row.pk], "a", timedelta(seconds=-1))
    [second] = claiming.claim([row.pk], "a", LEASE)
    with pytest.raises(LeaseLostError):
        claiming.settle(first, Verdict(Status.SUCCEEDED))
    claiming.settle(second, Verdict(Status.SUCCEEDED))


def test_what_is_given_back_is_free_at_once_and_no_attempt_is_used_up() -> None:
    row = stored()
    claims = claiming.claim([row.pk], "a", LEASE)
    assert claiming.release(claims) == 1
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


def test_what_succeeded_for_the_guid_is_done_and_what_failed_for_good_is_done_for_its_own_row() -> None:
    guid = uuid4()
    one, other = stored(guid=guid, hook_id=1, status="dead"), stored(guid=guid, hook_id=2)
    _run(one, handler="wrote", outcome="succeeded").save()
    _run(one, handler="refused", outcome="permanent").save()
    _run(other, handler="gave up", outcome="permanent").save()
    _run(other, handler="asked anew", outcome="succeeded", superseded=True).save()
    _run(other, handler="failed", outcome="failed").save()
    [claimed] = claiming.claim([other.pk], "a", LEASE)
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
