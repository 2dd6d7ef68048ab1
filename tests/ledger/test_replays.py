"""The replay of many as an operation: which deliveries, each once, and what is left alone by reason."""

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from ledger import filters, operations, outcomes, replays
from ledger.counting import Count
from ledger.models import Kind, Operation, Replay
from ledger.operations import LEASE, Progress
from ledger.selection import Selection
from receiver.models import Delivery, Status
from tests.processing.deliveries import stored

pytestmark = pytest.mark.django_db(transaction=True)

PAST = timezone.now() - timedelta(hours=1)


def asked(selection: Selection, rate: float = 0.0) -> Operation:
    return operations.create(Kind.REPLAY, selection.parameters, "ada", worker="w:1", rate=rate)


def step(operation: Operation) -> tuple[Operation, Progress]:
    advanced = operations.advance(operation, replays._replay)
    assert advanced is not None
    return advanced


def ended(operation: Operation) -> dict[str, int | None]:
    """Return the outcomes as numbers, with `pruned`."""
    found = async_to_sync(outcomes.of)(operation)
    assert found is not None
    return {status: count.number for status, count in found.statuses.items()} | {"pruned": found.pruned}


def test_all_that_match_are_replayed_in_portions_and_what_comes_later_is_not() -> None:
    rows = [stored(status="dead", finished_at=PAST) for _ in range(5)]
    stored(status="succeeded", finished_at=PAST)
    operation = asked(Selection.of({"status": "dead"}), rate=2.0)
    later = stored(status="dead", finished_at=timezone.now())
    done = []
    while operation.state == "running":
        operation, progress = step(operation)
        done.append(progress.done)
        assert progress.due == {"push"}
    assert done == [2, 2, 1]
    replayed = Delivery.objects.filter(trigger="replay").order_by("pk")
    assert list(replayed.values_list("pk", flat=True)) == [row.pk for row in rows]
    later.refresh_from_db()
    assert later.status == Status.DEAD


def test_a_portion_that_is_repeated_replays_nothing_twice() -> None:
    rows = [stored(status="succeeded", finished_at=PAST) for _ in range(4)]
    operation = asked(Selection.of({"event": "push"}), rate=2.0)
    step(operation)
    claims = dict(Delivery.objects.values_list("pk", "next_attempt_at"))
    # Its answer was lost: the worker claims the operation again, and goes on.
    again = operations.claim("w:1", [Kind.REPLAY])
    assert again is not None
    assert operations.advance(operation, replays._replay) is None
    operation, _ = step(again)
    assert (operation.state, operation.done) == ("finished", 4)
    after = dict(Delivery.objects.values_list("pk", "next_attempt_at"))
    assert [after[row.pk] == claims[row.pk] for row in rows] == [True, True, False, False]


def test_what_a_worker_is_processing_is_left_alone_and_counted_by_reason() -> None:
    held = stored(status="processing", worker="w:2", lease_expires_at=timezone.now() + LEASE)
    stored(status="dead", finished_at=PAST)
    operation, _ = step(asked(Selection.of({"event": "push"})))
    assert (operation.done, operation.failures) == (1, {replays.HELD: 1})
    held.refresh_from_db()
    assert (held.status, held.worker) == ("processing", "w:2")


def test_a_few_are_replayed_at_once_as_a_finished_operation() -> None:
    dead = stored(status="dead", finished_at=PAST)
    operation, reopened = replays.at_once([dead.pk], "ada")
    assert (operation.state, operation.done, operation.requested_by) == ("finished", 1, "ada")
    assert reopened.events == {"push"}
    dead.refresh_from_db()
    assert dead.status == Status.RECEIVED


def test_a_replay_with_a_repository_of_its_own_as_version_0_2_0_stored_it_goes_on() -> None:
    named = stored(repository="octo/cat")
    stored(repository="octo/dog")
    given = Selection.of({}).parameters
    assert Selection({**given, "repository": "Octo/Cat"}).take(None) == [named.pk]


def test_a_time_range_counts_from_when_it_was_asked_for() -> None:
    stored(received_at=timezone.now() - timedelta(hours=2))
    now = Selection.of({"until": "1h"})
    yesterday = {**now.parameters, "at": (timezone.now() - timedelta(days=1)).isoformat()}
    assert (now.rows.count(), Selection(yesterday).rows.count()) == (1, 0)


def test_the_outcomes_of_a_replay_are_the_present_statuses_of_what_it_made_due() -> None:
    rows = [stored(status="dead", finished_at=PAST) for _ in range(5)]
    operation, _ = step(asked(Selection.of({"status": "dead"}), rate=4.0))
    assert ended(operation) == {"received": 4, "pruned": 0}
    for row, status in zip(rows, ("succeeded", "dead", "ignored"), strict=False):
        Delivery.objects.filter(pk=row.pk).update(status=status, finished_at=timezone.now())
    operations.cancel(operation.pk, "ada")
    assert ended(operation) == {"received": 1, "succeeded": 1, "ignored": 1, "dead": 1, "pruned": 0}
    later, _ = replays.at_once([rows[1].pk], "bob")
    assert ended(later) == {"received": 1, "pruned": 0}
    assert ended(operation)["received"] == 2, "a later replay changes what the first one shows"
    Replay.objects.filter(delivery=rows[0].pk).delete()  # as pruning does
    assert ended(operation) == {"received": 2, "ignored": 1, "pruned": 1}


def test_a_replay_of_nothing_and_another_kind_have_no_outcomes() -> None:
    operation, _ = step(asked(Selection.of({"status": "dead"})))
    assert ended(operation) == {"pruned": 0}
    sync = operations.create(Kind.SYNC, {"repository": "octo/cat"}, "ada")
    assert async_to_sync(outcomes.of)(sync) is None


def test_outcomes_and_pages_stop_at_the_newest_and_a_replay_of_them_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [stored(status="dead", finished_at=PAST) for _ in range(5)]
    operation, _ = step(asked(Selection.of({"status": "dead"})))
    Delivery.objects.filter(pk=rows[0].pk).update(status="dead", finished_at=PAST)
    monkeypatch.setattr(filters, "MAX_REPLAYED", 3)
    found = async_to_sync(outcomes.of)(operation)
    assert found == outcomes.Outcomes({Status.RECEIVED: Count(3, more=True)}, pruned=None)
    chosen = filters.parse({"operation": str(operation.pk)}, timezone.now())
    assert set(filters.deliveries(chosen).values_list("pk", flat=True)) == {row.pk for row in rows[1:]}
    every = Selection.of({"operation": str(operation.pk)})
    assert every.take(None) == [row.pk for row in rows]
    assert every.parameters["guids"] == [], "a worker without this filter would replay all deliveries"
    assert Selection.of({"operation": str(operation.pk), "status": "dead"}).take(None) == [rows[0].pk]
