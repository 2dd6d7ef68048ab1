"""How the end of an attempt is written down: those that end together in a few statements."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction

from database import Coalescer, bulk
from processing.claiming import Claimed, Lease
from receiver.models import OPEN, Delivery, HandlerRun, Outcome, Status, Trigger

_RUN = (
    "delivery_id", "handler", "attempt", "trigger", "outcome", "started_at", "duration", "error", "traceback",
    "superseded",
)  # fmt: skip
_SETTLED = ("status", "attempts", "crashes", "error", "next_attempt_at", "finished_at", "lease_expires_at")


@dataclass(slots=True)
class Run:
    """One run of one handler: a row of `HandlerRun`, and in how many seconds it is to run again."""

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
    """It ended its process, which is no attempt used up."""


class LeaseLostError(Exception):
    """Somebody else took the delivery over: what was done may be done again, and is not settled here."""


@transaction.atomic
def _write(ended: Sequence[tuple[Claimed, Verdict]]) -> Sequence[Verdict | LeaseLostError]:
    rows = bulk.select(
        Delivery,
        ("id",),
        [(claimed.delivery.pk,) for claimed, _ in ended],
        ("id", "claims", "worker", "status"),
        order=("guid", "hook_id"),
        lock=True,
        also=(bulk.now(),),
    )
    ours: dict[Lease, datetime] = {
        (pk, claims, worker): bulk.moment(now)
        for pk, claims, worker, status, now in rows
        if status == Status.PROCESSING
    }
    settled = [
        (claimed.delivery, verdict, ours[claimed.lease])
        for claimed, verdict in ended
        if claimed.lease in ours
    ]
    bulk.update(
        Delivery,
        ("id",),
        _SETTLED,
        [
            (
                delivery.pk,
                verdict.status.value,
                delivery.attempts + (not verdict.crashed),
                delivery.crashes + verdict.crashed,
                verdict.error,
                now + (verdict.retry_after or timedelta()) if verdict.status in OPEN else None,
                None if verdict.status in OPEN else now,
                None,
            )
            for delivery, verdict, now in settled
        ],
    )
    bulk.insert(
        HandlerRun,
        _RUN,
        [
            (delivery.pk, run.handler, run.attempt, run.trigger.value, run.outcome.value, run.started_at,
             run.duration, run.error, run.traceback, False)
            for delivery, verdict, _ in settled
            for run in verdict.runs
        ],
    )  # fmt: skip
    return [
        verdict
        if claimed.lease in ours
        else LeaseLostError(f"{claimed.delivery}: the lease was lost before its attempt ended")
        for claimed, verdict in ended
    ]


_settle = Coalescer(_write, rows=lambda ended: 1 + len(ended[1].runs))


async def settle(claimed: Claimed, verdict: Verdict) -> None:
    """Write down how an attempt ended, and its runs; raises `LeaseLostError` when it is not ours any more.

    The clock is the database's.
    """
    await _settle((claimed, verdict))
