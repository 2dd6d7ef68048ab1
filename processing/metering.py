"""Counts what a worker claims, runs and settles."""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from processing.claiming import Claimed
from receiver.models import Outcome, Trigger
from telemetry.counts import HANDLER, QUEUE, SETTLED, counts
from telemetry.events import label

if TYPE_CHECKING:
    from processing.settling import Verdict


def claimed(claims: Iterable[Claimed]) -> None:
    """Count how long each new delivery waited, from its receipt by the clock of the database until now."""
    now = time.time()
    for one in claims:
        delivery = one.delivery
        if delivery.claims == 1 and delivery.trigger == Trigger.DELIVERY:
            counts.observe(QUEUE, now - delivery.received_at.timestamp())


def settled(event: str, verdict: "Verdict") -> None:
    """Count the end of an attempt, and the time of each handler that ran."""
    counts.add(SETTLED, label(event), verdict.status.value)
    for run in verdict.runs:
        if run.outcome is not Outcome.SKIPPED:
            counts.observe(HANDLER, run.duration, run.handler, run.outcome.value)
