"""The lease: who may process a delivery, and how its end is written down.

All times here are the database's, so that a worker whose clock is off neither takes a lease early nor
retries early.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.db import models, transaction
from django.db.models.functions import Now

from receiver.models import OPEN, Delivery, HandlerRun, Outcome, Status, after

# Longer than the handlers of one delivery may take together with their writes.
LEASE = timedelta(seconds=120)
# When another hook's delivery of the same guid is at work, come back after this.
SIBLING_WAIT = timedelta(seconds=1)


@dataclass(slots=True)
class Claimed:
    """A delivery under this worker's lease, and the handlers that need not run again."""

    delivery: Delivery
    done: dict[str, str] = field(default_factory=dict)
    """Handler to outcome: those that succeeded for this guid, and those that failed for good."""


@dataclass(slots=True)
class Verdict:
    """How an attempt ended."""

    status: Status
    error: str = ""
    retry_after: timedelta | None = None
    runs: list[HandlerRun] = field(default_factory=list)


class LeaseLostError(Exception):
    """Somebody else took the delivery over: what was done may be done again, and is not settled here."""


def claimable() -> models.Q:
    """What a worker may take: what is waiting, due again, or left behind by a worker that is gone."""
    return (
        models.Q(status=Status.RECEIVED)
        | models.Q(status=Status.RETRYING, next_attempt_at__lte=Now())
        | models.Q(status=Status.PROCESSING, lease_expires_at__lte=Now())
    )


@transaction.atomic
def claim(ids: Collection[int], worker: str, lease: timedelta) -> list[Claimed]:
    """Take those of `ids` that nobody has, in the order of receipt.

    Deliveries of one guid, one for each hook, are never at work at the same time: the rows of a guid are
    locked together, and one that has to wait is left to the sweep.
    """
    guids = Delivery.objects.filter(pk__in=ids).values("guid")
    family = list(
        Delivery.objects.select_for_update()
        .filter(guid__in=guids)
        .order_by("pk")
        .only("pk", "guid", "status")
    )
    free = set(
        Delivery.objects.filter(claimable(), pk__in=[row.pk for row in family]).values_list("pk", flat=True)
    )
    busy = {row.guid for row in family if row.status == Status.PROCESSING and row.pk not in free}
    taken: list[int] = []
    waiting: list[int] = []
    for row in family:
        if row.pk not in free or row.pk not in ids:
            continue
        (waiting if row.guid in busy else taken).append(row.pk)
        busy.add(row.guid)
    Delivery.objects.filter(pk__in=waiting).update(next_attempt_at=after(SIBLING_WAIT))
    Delivery.objects.filter(pk__in=taken).update(
        status=Status.PROCESSING, worker=worker, lease_expires_at=after(lease), next_attempt_at=None
    )
    claims = [Claimed(delivery) for delivery in Delivery.objects.filter(pk__in=taken).order_by("pk")]
    _find_done({claimed.delivery.guid: claimed for claimed in claims})
    return claims


def _find_done(by_guid: dict[UUID, Claimed]) -> None:
    runs = HandlerRun.objects.filter(delivery__guid__in=by_guid, superseded=False)
    for guid, delivery_id, handler, outcome in runs.values_list(
        "delivery__guid", "delivery_id", "handler", "outcome"
    ):
        claimed = by_guid[guid]
        if outcome == Outcome.SUCCEEDED or (
            outcome == Outcome.PERMANENT and delivery_id == claimed.delivery.pk
        ):
            claimed.done[handler] = outcome


def settle(claimed: Claimed, verdict: Verdict) -> None:
    """Write down how an attempt ended, in one transaction; raises `LeaseLostError` when it is not ours."""
    delivery = claimed.delivery
    open_again = verdict.status in OPEN
    with transaction.atomic():
        settled = Delivery.objects.filter(
            pk=delivery.pk,
            status=Status.PROCESSING,
            worker=delivery.worker,
            # The same worker may have lost it and taken it again since.
            lease_expires_at=delivery.lease_expires_at,
        ).update(
            status=verdict.status,
            attempts=delivery.attempts + 1,
            error=verdict.error,
            lease_expires_at=None,
            next_attempt_at=after(verdict.retry_after or timedelta()) if open_again else None,
            finished_at=None if open_again else Now(),
        )
        if not settled:
            raise LeaseLostError(f"{delivery}: the lease was lost before its attempt ended")
        HandlerRun.objects.bulk_create(verdict.runs)


def release(claims: Sequence[Claimed]) -> int:
    """Give back what was claimed and not finished: nothing is used up, and the sweep takes it up at once."""
    return Delivery.objects.filter(
        pk__in=[claimed.delivery.pk for claimed in claims],
        status=Status.PROCESSING,
        worker__in={claimed.delivery.worker for claimed in claims},
    ).update(status=Status.RECEIVED, lease_expires_at=None, next_attempt_at=Now())
