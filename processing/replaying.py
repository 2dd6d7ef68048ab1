"""Replay: an operator runs stored deliveries again, through the workers or in the foreground."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

import database
from ledger import operations, replays
from ledger.models import Kind, Operation
from ledger.operations import Progress, Step
from ledger.selection import PORTION, Selection
from processing import claiming
from processing.batch_runner import BatchRunner
from processing.claiming import Claimed
from processing.log_lines import LogLine
from processing.running import Conditions, Verdict
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
    replays.note(due, by, operation)
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
def at_once(selection: Selection, requested_by: str) -> tuple[Operation, Progress]:
    """Replay up to `PORTION` deliveries here and now, as an operation that is finished."""
    operation = operations.create(
        Kind.REPLAY, selection.parameters, requested_by,
        estimated=selection.rows[:PORTION].count(), worker=requested_by,
    )  # fmt: skip
    advanced = operations.advance(operation, _replay)
    if advanced is None:
        raise AssertionError("nobody else sees an operation before it is committed")
    return advanced


def _due() -> int:
    """Return the number of due deliveries, up to `MAX_BACKLOG`."""
    rows = Delivery.objects.filter(WAITING, next_attempt_at__lte=Now()).order_by("next_attempt_at")
    return rows[:MAX_BACKLOG].count()


async def inline(runner: BatchRunner, ids: Sequence[int], by: str) -> AsyncIterator[tuple[Verdict, LogLine]]:
    """Run deliveries here and now, one after the other, each handler without a time limit.

    Yields each verdict and its log line, and nothing for a delivery that a worker holds, or a sibling of it,
    or one of its ordering key. Left early, by Ctrl-C or by an error, it gives back what it has not settled.
    """
    task = asyncio.current_task()
    conditions = Conditions(lambda: task is not None and task.cancelling() > 0, limited=False)
    try:
        for pk in ids:
            claimed = await database.run_to_end(_take, pk, runner, by)
            if claimed is not None:
                verdict = await runner.run_alone(claimed, conditions)
                yield verdict, LogLine(claimed, verdict)
    except BaseException:
        await database.run(claiming.release, runner.worker)
        raise


@transaction.atomic
def _take(pk: int, runner: BatchRunner, by: str) -> Claimed | None:
    """Reopen and claim in one transaction, so that no worker takes it between the two."""
    reopen([pk], by)
    try:
        with transaction.atomic():
            return runner.claim_one(only=pk)
    except IntegrityError:  # a worker claimed a sibling, or one of its ordering key, at this moment
        return None
