"""Recoveries that start by themselves."""

from datetime import timedelta
from uuid import uuid4

import pytest
from pytest_django import Settings

from database import row_sets
from ledger.models import Kind, Operation, State
from receiver.models import Reason, Rejection, Resumption
from upstream import automatic
from upstream.automatic import FIRST_AFTER, SECOND_AFTER, start_if_due
from upstream.models import HookKind, Missed, WatchedHook

pytestmark = pytest.mark.usefixtures("transactional_db")
HOUR = timedelta(hours=1)


def start() -> Operation:
    """Start a recovery that must be due."""
    operation = start_if_due()
    assert operation is not None
    return operation


def end(operation: Operation, *, ago: timedelta = timedelta(0), **columns: object) -> None:
    """Let an operation be finished; it was created so long ago."""
    created = row_sets.clock() - ago
    columns = {"state": State.FINISHED, "created_at": created, "estimated": 0, **columns}
    Operation.objects.filter(pk=operation.pk).update(**columns)


def test_one_recovery_at_a_time_looks_at_all_hooks(settings: Settings) -> None:
    first = start()
    assert (first.kind, first.parameters, first.requested_by) == (Kind.RECOVER, {}, automatic.REQUESTED_BY)
    assert start_if_due() is None
    Operation.objects.update(state=State.RUNNING)
    assert start_if_due() is None
    settings.RECOVER_EVERY = 60.0
    end(first, ago=timedelta(seconds=59))
    assert start_if_due() is None
    end(first, ago=timedelta(seconds=61))
    assert start().pk > first.pk


def test_two_workers_that_start_one_at_once_start_the_same() -> None:
    end(start(), ago=HOUR, estimated=1)
    second = start()
    # The other worker looked before the second one was there.
    Operation.objects.filter(pk=second.pk).update(requested_by="hidden from the look")
    assert start().pk == second.pk


def test_the_log_keeps_what_found_something() -> None:
    nothing, something, persons = start(), None, None
    end(nothing, ago=2 * HOUR)
    something = start()
    end(something, ago=1.2 * HOUR, estimated=2, done=2)
    end(failed := start(), ago=1.1 * HOUR, failed=1, failures={"hook 7: 404": 1})
    end(failed_alike := start(), ago=HOUR, failed=1, failures={"hook 7: 404": 1})
    persons = Operation.objects.create(
        kind=Kind.RECOVER, requested_by="ada", created_at=row_sets.clock(), state=State.FINISHED, estimated=0
    )
    start()
    kept = set(Operation.objects.values_list("pk", flat=True))
    assert kept.isdisjoint({nothing.pk, failed.pk})
    assert {something.pk, failed_alike.pk, persons.pk} <= kept


def test_a_receiver_that_came_back_is_followed_by_two_recoveries() -> None:
    first = start()
    end(first, ago=timedelta(seconds=30))
    back = Resumption.objects.create()
    assert start_if_due() is None, "it may not listen yet"
    Resumption.objects.filter(pk=back.pk).update(at=row_sets.clock() - FIRST_AFTER)
    second = start()
    end(second)
    assert start_if_due() is None
    Resumption.objects.filter(pk=back.pk).update(at=row_sets.clock() - SECOND_AFTER)
    end(second, ago=SECOND_AFTER - FIRST_AFTER)
    third = start()
    end(third)
    assert start_if_due() is None


@pytest.mark.parametrize(("reason", "starts"), [(Reason.STORE_DOWN, True), (Reason.WRONG_SECRET, False)])
def test_deliveries_that_were_refused_for_a_reason_of_the_receiver_are_looked_for(
    reason: Reason, starts: bool
) -> None:
    end(start(), ago=HOUR / 60)
    Rejection.objects.create(
        at=row_sets.clock() - FIRST_AFTER, reason=reason, status=503, detail="not stored", size=0
    )
    assert (start_if_due() is not None) == starts


def test_old_notes_of_receivers_are_removed() -> None:
    end(start(), ago=HOUR)
    Resumption.objects.create(at=row_sets.clock() - 25 * HOUR)
    new = Resumption.objects.create(at=row_sets.clock() - HOUR)
    start()
    assert list(Resumption.objects.all()) == [new]


def test_what_was_missed_long_ago_is_removed_unless_it_may_still_arrive() -> None:
    end(start(), ago=HOUR)
    hook = WatchedHook.objects.create(hook_id=7, kind=HookKind.REPOSITORY, name="octo/cat")
    now = row_sets.clock()
    for days, state in ((91, "arrived"), (91, "lost"), (91, "asked"), (89, "lost")):
        Missed.objects.create(
            watched=hook, guid=uuid4(), hook_id=7, attempt=1, event="push", state=state,
            delivered_at=now, found_at=now - days * 24 * HOUR,
        )  # fmt: skip
    start()
    assert set(Missed.objects.values_list("state", flat=True)) == {"asked", "lost"}
    assert Missed.objects.count() == 2
