"""Claims: how a worker takes, renews and gives back deliveries; `sql/claim.*.sql` says which it takes.

All times are the database's, so that a worker whose clock is wrong neither takes a lease early nor retries
early.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import Error, IntegrityError, connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from database import bulk, is_outage
from database.row_sets import Row
from processing import ordering, statements
from receiver.models import Delivery, DeliveryQuerySet, Outcome, Status, after

# The worker renews it three times in this time, so it only has to outlast a stall of worker or database.
LEASE = timedelta(seconds=30)
# Two workers can judge at once what only one of them may take; one of them then claims again.
ATTEMPTS = 5

Lease = tuple[int, UUID, int, str]
"""A delivery's id, guid, `claims` and `worker`. A restored backup gives ids again, and undoes `claims`."""


class DeliveryRow(NamedTuple):
    """The columns of a delivery that a worker needs, named as in `Delivery`. A model instance costs more."""

    id: int
    guid: UUID
    hook_id: int
    source: str
    event: str
    action: str
    repository: str
    installation_id: int | None
    content_type: str
    headers: dict[str, str]
    received_at: datetime
    status: str
    attempts: int
    claims: int
    crashes: int
    error: str
    worker: str
    trigger: str
    ordering_key: str | None
    size: int

    def __str__(self) -> str:
        return f"{self.event} {self.guid}"


@dataclass(slots=True)
class Claimed:
    """A delivery under this worker's lease."""

    delivery: DeliveryRow
    has_siblings: bool = False
    done: dict[str, str] = field(default_factory=dict)
    """Handlers that must not run again, to their outcome: succeeded for the guid, or failed for good."""
    body: bytes | Exception = b""
    """Raw bytes, or why they cannot be read; read after the claim, and dropped once parsed."""
    began: float = 0.0
    """This process's `time.monotonic()` when the attempt began."""
    task: "asyncio.Task[None] | None" = None
    """Runs the attempt."""

    @property
    def lease(self) -> Lease:
        """The name of this lease, which no earlier or later one has."""
        return self.delivery.id, self.delivery.guid, self.delivery.claims, self.delivery.worker


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """The deliveries that one claim took, in order of receipt, and the facts that decide on the next one."""

    claims: list[Claimed]
    suspects: bool
    """Whether it made suspects of deliveries whose leases ended."""
    more: bool
    """Whether more may be due."""


def claim(  # noqa: PLR0913 - the parameters of the statement
    worker: str,
    lease: timedelta,
    limit: int,
    size: int,
    rules: str = "[]",
    held: Collection[int] = (),
    *,
    recover: bool = False,
    takeover: bool = True,
    suspects: bool = False,
    only: int | None = None,
) -> ClaimResult:
    """Take what is due, oldest first: suspects for an isolating process, and all others for a worker.

    It takes up to `limit` deliveries, and up to `size` raw bytes of their bodies. `rules` are those of
    `ordering.rules`; `held` are the ids that this worker has: without any it takes one delivery of any size.
    `recover` also takes this worker's claims that it does not hold; `takeover` makes suspects of deliveries
    whose leases ended under other workers. `only` limits new deliveries and retries to this one. Raises
    `django.db.Error`.
    """
    parameters = {
        "worker": worker,
        "lease": lease.total_seconds(),
        "limit": limit,
        "size": size,
        "alone": not held,
        "rules": rules,
        "held": held,
        "recover": recover,
        "takeover": takeover,
        "suspects": suspects,
        "only": only,
    }
    rows = _execute(parameters)
    changed = [row for row in rows if row[0] is not None]
    claims = [
        Claimed(DeliveryRow._make(values), bool(has_siblings))
        for *values, has_siblings, _ in bulk.loaded(Delivery, DeliveryRow._fields, changed)
    ]
    waiting = [one.delivery for one in claims if one.delivery.status != Status.PROCESSING]
    taken = [one for one in claims if one.delivery.status == Status.PROCESSING]
    taken.sort(key=lambda one: (one.delivery.received_at, one.delivery.id))
    _find_done([one for one in taken if one.has_siblings or one.delivery.claims > 1])
    ordering.unblock(row.ordering_key for row in waiting)
    return ClaimResult(
        taken,
        suspects=any(row.crashes for row in waiting),
        more=bool(waiting)
        or len(taken) >= limit
        or 2 * sum(one.delivery.size for one in taken) > size
        or any(row[-1] > len(changed) for row in rows),
    )


def _execute(parameters: Mapping[str, Any]) -> list[Row]:
    for _ in range(ATTEMPTS - 1):
        try:
            return statements.execute("claim", parameters)
        except IntegrityError:
            if connection.in_atomic_block:  # which has failed as a whole
                raise
    return statements.execute("claim", parameters)


def add_bodies(claims: Sequence[Claimed]) -> None:
    """Read the bodies of claimed deliveries, or for each why it cannot be read.

    Raises `django.db.Error` in an outage.
    """
    if not claims:
        return
    try:
        rows = statements.execute("bodies", {"ids": [one.delivery.id for one in claims]})
    except Error as error:
        if is_outage(error):
            raise
        if len(claims) == 1:
            claims[0].body = error
        else:  # the database cannot read one of them, such as a value whose parts are lost
            for one in claims:
                add_bodies([one])
        return
    frames: dict[int, Any] = dict(rows)
    read = Delivery._meta.get_field("body").from_db_value
    for one in claims:
        frame = frames.get(one.delivery.id)
        try:
            one.body = read(frame, None, connection) or LookupError("it was pruned, as KEEP_BODIES says")
        except Exception as error:  # noqa: BLE001 - the error is this delivery's alone
            one.body = error


def _find_done(claims: Sequence[Claimed]) -> None:
    """Look up the handlers that have had their effect, for each delivery or for a sibling of it."""
    if not claims:
        return
    by_id = {one.delivery.id: one for one in claims}
    for pk, own, handler, outcome in statements.execute("done", {"ids": list(by_id)}):
        if outcome == Outcome.SUCCEEDED or (outcome == Outcome.PERMANENT and own):
            by_id[pk].done[handler] = outcome


@transaction.atomic
def renew(leases: Collection[Lease], length: timedelta) -> set[Lease]:
    """Extend these leases to `length` from now; return those that are still held."""
    # A locked row is being settled at this moment.
    rows = _processing(skip_locked=True).filter(pk__any=[pk for pk, *_ in leases])
    held = set(leases).intersection(rows.values_list("pk", "guid", "claims", "worker"))
    Delivery.objects.filter(pk__any=[pk for pk, *_ in held]).update(lease_expires_at=after(length))
    return held


@transaction.atomic
def release(worker: str, *, suspects: bool = False, crash: str = "") -> list[str]:
    """Give back what a worker holds, or only its suspects: due at once, and without an attempt.

    `crash` says how the process ended that ran them, which each of them counts. Returns their guids.
    """
    rows = _processing().filter(worker=worker, crashes__gte=int(suspects))
    guids = dict(rows.values_list("pk", "guid"))
    counted = {"crashes": F("crashes") + 1, "error": crash} if crash else {}
    Delivery.objects.filter(pk__any=list(guids)).update(
        status=Status.RECEIVED, lease_expires_at=None, next_attempt_at=Now(), **counted
    )
    return list(map(str, guids.values()))


def _processing(*, skip_locked: bool = False) -> DeliveryQuerySet:
    """Return the deliveries in processing, locked in the order in which all statements lock deliveries."""
    rows = Delivery.objects.filter(status=Status.PROCESSING).order_by("guid", "hook_id", "source")
    return rows.select_for_update(no_key=True, skip_locked=skip_locked)
