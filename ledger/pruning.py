"""The operation `prune`: does what `ledger.retention` says, in portions; workers start one each day.

Its parameters are days after the settlement for `bodies`, `deliveries` and `keys`; one that is missing keeps
for ever. Its cursor has the stage and the marks: the time up to which each stage has done everything. The
next operation begins at the marks of the last one, so no portion reads what was pruned before.
"""

import logging
import time
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import database
from database import row_sets
from ledger import background, operations, retention
from ledger.models import Kind, Operation, State
from ledger.operations import Progress, Step

logger = logging.getLogger(__name__)

REQUESTED_BY = "automatic"
PRUNE_EVERY = timedelta(days=1)
LOOK_EVERY = 60.0  # seconds between two looks whether it is due
# Deliveries of a portion: at most, of the first one, and at least.
MAX_PORTION = 5_000
FIRST_PORTION = 500
MIN_PORTION = 50
# Seconds of one transaction, which has as many deliveries as fit. On SQLite, the receiver's inserts wait for
# it; on PostgreSQL, a redelivery of one of its rows, which is tried again for 0.35 s.
PORTION_TIME = 0.25
# Seconds until a row that another transaction locks is tried again.
LOCKED_WAIT = 1.0


async def portion(_operation: Operation) -> Progress | Step:
    """Return the step that does the next portion; see `processing.operation_runner`."""
    return step


def marks(before: int | None = None) -> dict[str, str]:
    """Return the times that the stages of the last operation reached, before the one of this id."""
    rows = Operation.objects.filter(kind=Kind.PRUNE, cursor__isnull=False)
    last = (rows if before is None else rows.filter(pk__lt=before)).order_by("-pk").first()
    return dict(last.cursor["marks"]) if last is not None and last.cursor else {}


def step(operation: Operation) -> Progress:
    """Prune the next deliveries of an operation. A row that another transaction locks is not waited for.

    The mark stays before such a row, so that nothing is forgotten.
    """
    began = time.monotonic()
    cursor: dict[str, Any] = operation.cursor or _first_cursor(operation)
    stage, reached = retention.STAGES[cursor["stage"]], cursor["marks"]
    before = retention.horizon(stage, operation.parameters, operation.created_at, reached)
    if before is None:
        return _next(cursor, 0)
    mark = datetime.fromisoformat(reached[stage.name]) if stage.name in reached else None
    rows = stage.rows(mark, before)
    size = min(cursor["size"], max(1, int(operation.rate))) if operation.rate else cursor["size"]
    locked = rows.select_for_update(skip_locked=True).values_list("pk", "finished_at")
    taken = [(pk, at) for pk, at in locked[:size] if at is not None]
    stage.prune([pk for pk, _ in taken])
    whole = len(taken) < size
    last = before if whole else taken[-1][1]
    # Rows that are left up to there are locked by others, or were settled at the same moment as the last one.
    left = rows.filter(finished_at__lte=last).values_list("finished_at", flat=True).first()
    done_until = left or last
    if mark is None or done_until > mark:
        reached[stage.name] = done_until.isoformat()
    if whole and left is None:
        return _next(cursor, len(taken))
    seconds = time.monotonic() - began
    if not whole:
        cursor["size"] = _better(size, seconds)
    # It takes half of the time at most, so that others have the disk too.
    return Progress(cursor, done=len(taken), wait=LOCKED_WAIT if whole else seconds)


def _first_cursor(operation: Operation) -> dict[str, Any]:
    return {"stage": 0, "size": FIRST_PORTION, "marks": marks(operation.pk)}


def _better(size: int, seconds: float) -> int:
    """Return the size of the next portion, from how long this one took."""
    if seconds < PORTION_TIME / 2:
        return min(MAX_PORTION, 2 * size)
    return max(MIN_PORTION, size // 2) if seconds > PORTION_TIME else size


def _next(cursor: dict[str, Any], done: int) -> Progress:
    """Return the progress at the end of a stage."""
    cursor["stage"] += 1
    finished = cursor["stage"] == len(retention.STAGES)
    return Progress(cursor | {"stage": 0} if finished else cursor, done=done, finished=finished)


async def run() -> None:
    """Start the daily operation, until cancelled."""
    await background.repeat(
        partial(database.run, start_if_due),
        LOOK_EVERY,
        lambda error: logger.error("pruning not started error=%s", error),
    )


def start_if_due() -> Operation | None:
    """Queue the operation of this day if there is something to prune; return it. Raises `django.db.Error`."""
    limits, now = retention.parameters(), row_sets.clock()
    last = Operation.objects.filter(kind=Kind.PRUNE, requested_by=REQUESTED_BY).order_by("-pk").first()
    if last is not None:
        is_open = last.state in {State.QUEUED, State.RUNNING}
        if is_open or now < last.created_at + PRUNE_EVERY:
            return None
    if not any(rows.exists() for rows in retention.due(limits, now, marks()).values()):
        return None
    # The key is the same in all workers, so only one of them starts it.
    key = uuid5(NAMESPACE_URL, f"hookkeeper:prune:{last.pk if last else 0}")
    return operations.create(Kind.PRUNE, limits, REQUESTED_BY, key=key)
