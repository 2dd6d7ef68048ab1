"""The replay of many as an operation: which deliveries, each once, and what is left alone by reason."""

from datetime import timedelta

import pytest
from django.utils import timezone

from ledger import operations, replays
from ledger.models import Kind, Operation
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
