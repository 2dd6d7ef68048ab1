"""Decides whether GitHub is asked to deliver a missed delivery again. Pure.

A guid is asked for three times at most, in its whole life, so an ask must not be spent while the endpoint
cannot be reached. The second ask needs evidence that it can be, or an hour. The third needs both, or waits
until GitHub is about to forget the delivery.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from upstream.models import MAX_ASKS

# GitHub sends within seconds; under throttling later.
ARRIVES_WITHIN = timedelta(seconds=60)
# Time between two asks without evidence that the endpoint can be reached, and before the last ask.
WITHOUT_EVIDENCE = timedelta(hours=1)
# Time before GitHub forgets a delivery, at which the last ask needs no evidence.
LAST_CALL = timedelta(hours=3)
# Asks without evidence within `WITHOUT_EVIDENCE`, for one hook.
MAX_UNANSWERED = 20


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask now."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Decide again at this time."""

    until: datetime


@dataclass(frozen=True, slots=True)
class GiveUp:
    """It is lost, for this reason."""

    reason: str


Decision = Ask | Wait | GiveUp


@dataclass(frozen=True, slots=True)
class History:
    """The history of a missed delivery."""

    delivered_at: datetime
    asks: int
    asked_at: datetime | None


def decide(
    missed: History,
    now: datetime,
    reachable_at: datetime | None,
    retention: timedelta,
    arrives_within: timedelta = ARRIVES_WITHIN,
) -> Decision:
    """Return what to do with a delivery that has not arrived.

    `reachable_at` is when something last came through the same hook, or the receiver came back.
    """
    if missed.asked_at is not None:
        expected = missed.asked_at + arrives_within
        if now < expected:
            return Wait(expected)
    if missed.asks >= MAX_ASKS:
        return GiveUp(f"GitHub was asked {missed.asks} times, and it did not arrive")
    if now - missed.delivered_at >= retention:
        return GiveUp(f"GitHub keeps deliveries for {retention.days} days")
    if missed.asked_at is None:
        return Ask()
    is_last = missed.asks == MAX_ASKS - 1
    again = missed.asked_at + WITHOUT_EVIDENCE
    if reachable_at is not None and reachable_at > missed.asked_at:
        # The last ask waits all the same: what a proxy refuses takes people longer than minutes to mend.
        again = again if is_last else now
    elif is_last:
        again = max(again, missed.delivered_at + retention - LAST_CALL)
    return Ask() if now >= again else Wait(again)
