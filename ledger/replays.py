"""Makes stored deliveries due again, each once, and records who asked for it."""

from collections.abc import Collection, Sequence
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
HELD = "a worker is processing them"
PRUNED = "their bodies were pruned: there is nothing to run"


@transaction.atomic
def reopen(ids: Sequence[int], by: str, operation: Operation | None = None) -> list[str]:
    """Make deliveries due again, but for those that a worker holds; return the event of each."""
    due = Delivery.objects.reopen(ids, Trigger.REPLAY)
    note(due, by, operation)
    return list(Delivery.objects.filter(pk__any=due).values_list("event", flat=True))


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
    events = reopen(ids, operation.requested_by, operation)
    pruned = Delivery.objects.filter(pk__any=ids, body__isnull=True).count()
    left = {HELD: len(ids) - len(events) - pruned, PRUNED: pruned}
    return Progress(
        ids[-1] if ids else operation.cursor,
        done=len(events),
        failures={reason: count for reason, count in left.items() if count},
        finished=len(found) <= most,
        due=frozenset(events),
    )


@transaction.atomic
def at_once(selection: Selection, requested_by: str, key: UUID | None = None) -> tuple[Operation, Progress]:
    """Replay up to `PORTION` deliveries here and now, as an operation that is finished.

    Return the operation that has this key already, if there is one, and replay nothing.
    """
    operation = operations.create(
        Kind.REPLAY, selection.parameters, requested_by,
        estimated=selection.rows[:PORTION].count(), key=key, worker=requested_by,
    )  # fmt: skip
    if operation.state == State.FINISHED:
        return operation, Progress(operation.cursor)
    advanced = operations.advance(operation, _replay)
    if advanced is None:
        raise AssertionError("nobody else sees an operation before it is committed")
    return advanced


def _due() -> int:
    """Return the number of due deliveries, up to `MAX_BACKLOG`."""
    rows = Delivery.objects.filter(WAITING, next_attempt_at__lte=Now()).order_by("next_attempt_at")
    return rows[:MAX_BACKLOG].count()


def note(deliveries: Collection[int], by: str, operation: Operation | None = None) -> None:
    """Record that a replay made these deliveries due. Call it in the transaction that does so.

    `operation` is None for a replay in the foreground.
    """
    Replay.objects.bulk_create([Replay(delivery_id=pk, operation=operation, by=by) for pk in deliveries])
