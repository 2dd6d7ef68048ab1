"""Settlement: how the end of an attempt is written, those that end together in one statement."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import Error, connection, transaction
from django.db.models.functions import Now

from database import Coalescer, row_sets
from database.row_sets import Row
from processing import metering, ordering, statements
from processing.claiming import Claimed
from receiver.models import OPEN, Delivery, Outcome, Status, Trigger
from telemetry import tracing

logger = logging.getLogger(__name__)

# Siblings that one statement settles.
SIBLINGS = 1_000
# Ends after which a delivery's siblings have nothing left to run.
SHARED = frozenset({Status.SUCCEEDED, Status.IGNORED, Status.INVALID})


@dataclass(slots=True)
class Run:
    """One run of one handler: a row of `HandlerRun`, and the seconds until its next."""

    handler: str
    attempt: int
    trigger: Trigger
    outcome: Outcome
    started_at: datetime
    duration: float = 0.0
    error: str = ""
    traceback: str = ""
    retry_after: float | None = None


@dataclass(slots=True)
class Verdict:
    """How an attempt ended."""

    status: Status
    error: str = ""
    retry_after: timedelta | None = None
    runs: list[Run] = field(default_factory=list)
    crashed: bool = False
    """It ended its process, which does not count as an attempt."""


class LeaseLostError(Exception):
    """Another worker took the delivery over. Its effects may be repeated, and this end is not written."""


async def settle(claimed: Claimed, verdict: Verdict) -> int:
    """Write the end of an attempt and its runs; return how many deliveries that waited for it are due now.

    Raises `LeaseLostError` when the lease has ended, and `django.db.Error` when the end could not be written.
    """
    with tracing.span("settle", claimed.delivery.guid, status=verdict.status.value):
        await _settle((claimed, verdict))
    metering.settled(claimed.delivery.event, verdict)
    if not claimed.has_siblings and claimed.delivery.ordering_key is None:
        return 0
    try:
        return await _follow((claimed, verdict))
    except Error as error:
        logger.warning("siblings or ordering key not advanced guid=%s error=%s", claimed.delivery.guid, error)
        return 0


def _write(ended: Sequence[tuple[Claimed, Verdict]]) -> Sequence[Verdict | LeaseLostError]:
    rows = [
        {
            "id": claimed.delivery.id,
            "guid": claimed.delivery.guid.hex,
            "claims": claimed.delivery.claims,
            "worker": claimed.delivery.worker,
            "status": verdict.status.value,
            "crashed": int(verdict.crashed),
            "error": verdict.error,
            "wait": _wait(verdict),
        }
        for claimed, verdict in ended
    ]
    # Django looks up the connection of the thread at each use.
    adapted = connection.ops.adapt_datetimefield_value if connection.vendor == "sqlite" else str
    runs = [_row(claimed, run, adapted) for claimed, verdict in ended for run in verdict.runs]
    settled = set(_statements(rows, runs))
    return [
        verdict
        if (claimed.delivery.id, claimed.delivery.claims) in settled
        else LeaseLostError(f"{claimed.delivery}: the lease ended before the attempt")
        for claimed, verdict in ended
    ]


def _row(claimed: Claimed, run: Run, adapted: Callable[[datetime], Any]) -> dict[str, Any]:
    return {
        "id": claimed.delivery.id,
        "claims": claimed.delivery.claims,
        "handler": run.handler,
        "attempt": run.attempt,
        "trigger": run.trigger.value,
        "outcome": run.outcome.value,
        "started_at": adapted(run.started_at),
        "duration": run.duration,
        "error": run.error,
        "traceback": run.traceback,
    }


def _wait(verdict: Verdict) -> float | None:
    """Return the seconds until the next attempt; None after the last."""
    return (verdict.retry_after or timedelta()).total_seconds() if verdict.status in OPEN else None


# Columns and their types on PostgreSQL.
_ENDED = {
    "id": "bigint", "guid": "text", "claims": "integer", "worker": "text", "status": "text",
    "crashed": "integer", "error": "text", "wait": "double precision",
}  # fmt: skip
_RUN = {
    "id": "bigint", "claims": "integer", "handler": "text", "attempt": "integer", "trigger": "text",
    "outcome": "text", "started_at": "text", "duration": "double precision", "error": "text",
    "traceback": "text",
}  # fmt: skip


def _statements(ended: Sequence[Mapping[str, Any]], runs: Sequence[Mapping[str, Any]]) -> list[Row]:
    if connection.vendor == "postgresql":
        return statements.execute("settle", parameters(ended, runs))
    with transaction.atomic():
        settled = statements.execute("settle", {"ended": json.dumps(ended)})
        statements.execute("runs", {"runs": json.dumps(runs), "settled": settled})
    return settled


def parameters(ended: Sequence[Mapping[str, Any]], runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return an array for each column, as `settle.postgresql.sql` takes them."""
    return {name: row_sets.array(kind, [row[name] for row in ended]) for name, kind in _ENDED.items()} | {
        f"run_{name}": row_sets.array(kind, [row[name] for row in runs]) for name, kind in _RUN.items()
    }


def _after(ended: Sequence[tuple[Claimed, Verdict]]) -> Sequence[int]:
    """Settle the siblings, or make them due, and make the next of each ordering key due.

    Runs after the settlement's commit and may be repeated. Where it does not run, `SIBLING_WAIT` and
    `ordering.repair` make up for it.
    """
    settled = [one.delivery.id for one, verdict in ended if one.has_siblings and verdict.status in SHARED]
    while settled and _settle_siblings(settled) == SIBLINGS:
        continue
    due = sum(_make_due(one) for one, _ in ended if one.has_siblings)
    keys = {one.delivery.ordering_key for one, _ in ended}
    due += ordering.unblock(sorted(key for key in keys if key is not None))
    return [due] * len(ended)


def _settle_siblings(ids: Sequence[int]) -> int:
    parameters = {"ids": ids, "limit": SIBLINGS}
    if connection.vendor == "postgresql":
        return len(statements.execute("settle_siblings", parameters))
    with transaction.atomic():
        pairs = statements.execute("siblings", parameters)
        statements.execute("settle_siblings", {"pairs": pairs})
        statements.execute("sibling_runs", {"pairs": pairs})
    return len(pairs)


def _make_due(claimed: Claimed) -> int:
    """Let the siblings run that were not settled: this one failed, or they have another payload."""
    rows = Delivery.objects.filter(guid=claimed.delivery.guid, source=claimed.delivery.source)
    return rows.filter(status=Status.RECEIVED, next_attempt_at__gt=Now()).update(next_attempt_at=Now())


_settle = Coalescer(_write, rows=lambda ended: 1 + len(ended[1].runs))
_follow = Coalescer(_after)
