"""Makes stored deliveries due again, each once, and records who asked for it."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

import database
from ledger import operations
from ledger.models import Kind, Operation, Replay, State
from ledger.operations import Progress, Step
from ledger.selection import PORTION, Selection
from receiver.models import WAITING, Delivery, Trigger

# Due deliveries up to which a replay reopens more. It follows the pace of the workers, and bounds the queue.
MAX_BACKLOG = 2_000
BACKLOG_POLL_INTERVAL = 0.25  # seconds
HELD = "in processing by a worker"
PRUNED = "body pruned, so nothing can run"
UNKNOWN = "not stored"


class Fate(StrEnum):
    """What a replay did to one delivery."""

    REPLAYED = "replayed"
    HELD = "held"
    PRUNED = "pruned"
    UNKNOWN = "unknown"


_REASONS = {Fate.HELD: HELD, Fate.PRUNED: PRUNED, Fate.UNKNOWN: UNKNOWN}


@dataclass(frozen=True, slots=True)
class Reopened:
    """The fate of each delivery by its id, and the events of those that are due again."""

    fates: Mapping[int, Fate]
    events: frozenset[str]

    def progress(self, cursor: int | None, *, finished: bool) -> Progress:
        """Return the progress of the operation that reopened them."""
        counts = Counter(self.fates.values())
        failures = {reason: counts[fate] for fate, reason in _REASONS.items() if counts[fate]}
        return Progress(
            cursor, done=counts[Fate.REPLAYED], failures=failures, finished=finished, due=self.events
        )


@transaction.atomic
def reopen(ids: Sequence[int], by: str, operation: Operation | None = None) -> Reopened:
    """Make deliveries due again, but for those that a worker holds and those whose bodies were pruned."""
    due = set(Delivery.objects.reopen(ids, Trigger.REPLAY))
    note(due, by, operation)
    rows = Delivery.objects.filter(pk__any=list(ids))
    events = dict(rows.values_list("pk", "event"))
    pruned = set(rows.filter(body__isnull=True).values_list("pk", flat=True))
    fates = {
        pk: Fate.REPLAYED if pk in due
        else Fate.PRUNED if pk in pruned
        else Fate.HELD if pk in events
        else Fate.UNKNOWN
        for pk in ids
    }  # fmt: skip
    return Reopened(fates, frozenset(events[pk] for pk in due))


async def portion(operation: Operation) -> Progress | Step:
    """Replay the next deliveries of an operation, or wait while the workers have a backlog."""
    if await database.run(_due) >= MAX_BACKLOG:
        return Progress(operation.cursor, wait=BACKLOG_POLL_INTERVAL)
    return _replay


def _replay(operation: Operation) -> Progress:
    """Reopen the deliveries after the cursor, which is the id of the last one before them."""
    most = max(1, min(PORTION, int(operation.rate))) if operation.rate else PORTION
    found = Selection(operation.parameters).take(operation.cursor, most + 1)
    ids = found[:most]
    reopened = reopen(ids, operation.requested_by, operation)
    return reopened.progress(ids[-1] if ids else operation.cursor, finished=len(found) <= most)


@transaction.atomic
def at_once(ids: Sequence[int], requested_by: str, key: UUID | None = None) -> tuple[Operation, Reopened]:
    """Replay these few deliveries here and now, as an operation that is finished, so that the log has it.

    Return the operation that has this key already, if there is one, and replay nothing.
    """
    operation = operations.create(
        Kind.REPLAY, Selection.of({}, ids=ids).parameters, requested_by,
        estimated=len(ids), key=key, worker=requested_by,
    )  # fmt: skip
    if operation.state == State.FINISHED:
        return operation, Reopened({}, frozenset())
    reopened = reopen(ids, requested_by, operation)
    advanced = operations.advance(operation, reopened.progress(None, finished=True))
    if advanced is None:
        raise AssertionError("another process advanced an uncommitted operation")
    return advanced[0], reopened


def _due() -> int:
    """Return the number of due deliveries, up to `MAX_BACKLOG`."""
    rows = Delivery.objects.filter(WAITING, next_attempt_at__lte=Now()).order_by("next_attempt_at")
    return rows[:MAX_BACKLOG].count()


def note(deliveries: Collection[int], by: str, operation: Operation | None = None) -> None:
    """Record that a replay made these deliveries due. Call it in the transaction that does so.

    `operation` is None for a replay in the foreground.
    """
    Replay.objects.bulk_create([Replay(delivery_id=pk, operation=operation, by=by) for pk in deliveries])
