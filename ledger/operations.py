"""The life of an operation: requested, claimed under a lease, run in portions, ended.

| from                 | to        | by                                                             |
|----------------------|-----------|----------------------------------------------------------------|
|                      | queued    | `create`                                                       |
| queued               | running   | `claim`                                                        |
| running              | running   | `claim`, once the lease of a dead worker has expired           |
| running              | queued    | `release`: the worker stops                                    |
| running              | finished  | `advance`, with the last portion                               |
| running              | failed    | `fail`; `claim`, where the portion ended three workers         |
| queued, running      | cancelled | `cancel`                                                       |
| cancelled, failed    | queued    | `resume`; it continues at its cursor                           |

Console, API and commands call `create`, `cancel` and `resume`; the others are for the runner of operations.
Every change is conditional on the state before it. Times are the database's. The functions are synchronous,
and raise `django.db.Error`.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import models, transaction
from django.db.models.functions import Now

from database import row_sets
from ledger.models import OPEN, Change, Kind, Operation, State
from receiver.models import after

# Renewed three times in this time. It outlasts a stall of worker or database.
LEASE = timedelta(seconds=30)
# Workers that may end in one portion before the operation is failed.
MAX_CRASHES = 3
# Reasons of failure that are counted apart; the others are counted together.
MAX_REASONS = 50
OTHER_REASONS = "other reasons"
LONGEST_REASON = 300  # characters
LONGEST_ERROR = 2_000  # characters


class ExplainedError(Exception):
    """Fails an operation for a reason that its message explains, so that no traceback is needed."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The counts of one portion, and the cursor of the next."""

    cursor: Any
    """Anything that JSON can hold."""
    done: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)
    """Items that could not be done, by reason."""
    finished: bool = False
    wait: float = 0.0
    """Seconds until the next portion, at least."""
    estimated: int | None = None
    """A better estimate of all items, where the portion learned one."""
    due: frozenset[str] = frozenset()
    """Events of the deliveries that it made due; the runner enqueues wake-ups for them."""


Step = Callable[[Operation], Progress]
"""A portion whose effects are in this database. It runs in the transaction that writes its progress, so each
item is done once, whatever crashes. It gets the locked row."""


def create(
    kind: Kind,
    parameters: Mapping[str, Any],
    requested_by: str,
    *,
    rate: float = 0.0,
    estimated: int | None = None,
    key: UUID | None = None,
    worker: str = "",
) -> Operation:
    """Store an operation; return the one that has this key already, if there is one.

    It is queued, or where `worker` is given, claimed by it at once.
    """
    columns: dict[str, Any] = {
        "kind": kind,
        "parameters": dict(parameters),
        "requested_by": requested_by,
        "rate": rate,
        "estimated": estimated,
    }
    with transaction.atomic():
        columns["created_at"] = row_sets.clock()
        operation, created = Operation.objects.get_or_create(key=key or uuid4(), defaults=columns)
        if created:
            _note(operation.pk, State.QUEUED, requested_by)
            if worker:
                _take(operation, worker, LEASE)
    return operation


def cancel(pk: int, by: str) -> bool:
    """Cancel an operation that is queued or running; return whether it was.

    A portion that has begun ends first. The lease stays until then, so that no other worker overlaps it.
    """
    return _change(OPEN, pk, State.CANCELLED, by, finished_at=Now())


def resume(pk: int, by: str) -> bool:
    """Queue a cancelled or failed operation again; it continues at its cursor. Return whether it was."""
    ended = models.Q(state=State.CANCELLED) | models.Q(state=State.FAILED)
    return _change(ended, pk, State.QUEUED, by, finished_at=None, error="", crashes=0)


@transaction.atomic
def _change(before: models.Q, pk: int, state: State, by: str, **columns: Any) -> bool:
    changed = Operation.objects.filter(before, pk=pk).update(state=state, **columns)
    if changed:
        _note(pk, state, by)
    return bool(changed)


def _note(pk: int, state: State, by: str) -> None:
    Change.objects.create(operation_id=pk, at=Now(), state=state, by=by)


def claim(
    worker: str, kinds: Collection[str], held: Collection[int] = (), lease: timedelta = LEASE
) -> Operation | None:
    """Take the oldest operation of these kinds that no worker runs; None if there is none.

    `held` are the ids that this worker runs. An operation under its name that it does not hold was claimed by
    a statement whose answer was lost. An operation whose portion ended too many workers is failed.
    """
    free = models.Q(lease_expires_at=None) | models.Q(lease_expires_at__lte=Now()) | models.Q(worker=worker)
    due = Operation.objects.filter(OPEN, free, kind__in=kinds).exclude(pk__in=held).order_by("pk")
    # SQLite has one writer at a time, so a look that finds nothing takes no lock.
    while due.exists():
        with transaction.atomic():
            row = due.select_for_update(skip_locked=True).first()
            if row is None:
                return None
            crashed = row.state == State.RUNNING and row.worker != worker
            if not crashed or row.crashes + 1 < MAX_CRASHES:
                row.crashes += crashed
                _take(row, worker, lease)
                return row
            last = row.worker
            _end(
                row, State.FAILED, worker, f"{MAX_CRASHES} workers ended in one portion, the last was {last}"
            )
    return None


def _take(row: Operation, worker: str, lease: timedelta) -> None:
    row.state, row.worker = State.RUNNING, worker
    row.version += 1
    now = row_sets.clock()
    row.started_at, row.lease_expires_at = row.started_at or now, now + lease
    row.save()
    _note(row.pk, State.RUNNING, worker)


def _mine(operation: Operation) -> models.QuerySet[Operation]:
    """Return the row while its lease is the one that `operation` names."""
    return Operation.objects.filter(pk=operation.pk, worker=operation.worker, version=operation.version)


def renew(operation: Operation, lease: timedelta = LEASE) -> State | None:
    """Extend the lease; return the operation's state, and None where the lease is another's."""
    _mine(operation).update(lease_expires_at=after(lease))
    state = _mine(operation).values_list("state", flat=True).first()
    return None if state is None else State(state)


@transaction.atomic
def advance(
    operation: Operation, portion: Progress | Step, lease: timedelta = LEASE
) -> tuple[Operation, Progress] | None:
    """Write the progress of a portion, and run it first where it is a `Step`.

    Return the row as it is now, or None where nothing was written because the lease is another's, or because
    the operation was cancelled before the step. Progress made outside of the database is written even then.
    """
    row = _mine(operation).select_for_update().first()
    if row is None:
        return None
    running = row.state == State.RUNNING
    if not running and not isinstance(portion, Progress):
        return None
    progress = portion if isinstance(portion, Progress) else portion(row)
    row.version += 1
    row.crashes = 0
    row.cursor = progress.cursor
    row.done += progress.done
    row.failed += sum(progress.failures.values())
    row.failures = _added(row.failures, progress.failures)
    row.estimated = row.estimated if progress.estimated is None else progress.estimated
    if running and progress.finished:
        _end(row, State.FINISHED, row.worker)
    else:
        row.lease_expires_at = row_sets.clock() + lease
        row.save()
    return row, progress


def _added(failures: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Return the sums by reason, of a bounded number of reasons."""
    found = dict(failures)
    for reason, count in more.items():
        name = reason[:LONGEST_REASON]
        if name not in found and len(found) >= MAX_REASONS:
            name = OTHER_REASONS
        found[name] = found.get(name, 0) + count
    return found


@transaction.atomic
def fail(operation: Operation, error: str) -> bool:
    """End an operation that its worker runs with an error; return whether the worker still had it."""
    rows = Operation.objects.filter(pk=operation.pk, worker=operation.worker, state=State.RUNNING)
    row = rows.select_for_update().first()
    if row is not None:
        _end(row, State.FAILED, row.worker, error)
    return row is not None


def _end(row: Operation, state: State, by: str, error: str = "") -> None:
    """End an operation whose row is locked."""
    row.state, row.finished_at, row.lease_expires_at = state, row_sets.clock(), None
    row.error = error[:LONGEST_ERROR]
    row.save()
    _note(row.pk, state, by)


@transaction.atomic
def release(worker: str, ids: Collection[int] | None = None) -> None:
    """Release the leases of this worker, on these operations or on all; those that run are queued again."""
    rows = Operation.objects.filter(worker=worker, lease_expires_at__isnull=False)
    rows = rows if ids is None else rows.filter(pk__in=ids)
    for row in rows.select_for_update().order_by("pk"):
        row.lease_expires_at = None
        if row.state == State.RUNNING:
            row.state = State.QUEUED
            _note(row.pk, State.QUEUED, worker)
        row.save()
