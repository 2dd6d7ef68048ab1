"""The lease: who may process a delivery, for how long, and how it is given back.

What is `received` may be claimed: a retry that is due, and what a lost worker held, become that by the sweep.

All times here are the database's, so that a worker whose clock is off neither takes a lease early nor
retries early. Rows are locked in the order of (guid, hook id), as by intake, so that nobody deadlocks.
"""

import time
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, models, transaction
from django.db.models.functions import Now

import database
from database import bulk
from processing.turns import Turn, Turns
from receiver.models import Delivery, HandlerRun, Outcome, Status, after

# Renewed while work runs, so it need only outlast a stall of the event loop, or of the database.
LEASE = timedelta(seconds=30)
# When another hook's delivery of the same guid is at work, come back after this.
SIBLING_WAIT = timedelta(seconds=1)
# Who waits for a turn is woken by who has it; should he fail to, the sweep comes after this.
TURN_WAIT = timedelta(seconds=10)
# Bytes of bodies, as compressed, that one claim loads.
LOAD = 1024 * 1024

_LOADED = {
    "id", "guid", "hook_id", "source", "event", "action", "repository", "repository_id", "number",
    "installation_id", "content_type", "received_at", "status", "attempts", "claims", "crashes", "error",
}  # fmt: skip
# In the order of the model, as `from_db` wants them.
_FIELDS = [field.attname for field in Delivery._meta.concrete_fields if field.attname in _LOADED]


no_turn: frozenset[Turn] = frozenset()

Lease = tuple[int, int, str]
"""A delivery, its `claims` and its `worker`: a crash of the server may undo a claim, and `claims` with it."""


@dataclass(slots=True)
class Claimed:
    """A delivery under this worker's lease, and the handlers that need not run again."""

    delivery: Delivery
    done: dict[str, str] = field(default_factory=dict)
    """Handler to outcome: those that succeeded for this guid, and those that failed for good."""
    turns: frozenset[Turn] = no_turn
    since: float = 0.0
    """`time.monotonic()` of this process just before the lease was taken, or renewed."""

    @property
    def lease(self) -> Lease:
        """What tells this lease from any other, earlier or later."""
        return self.delivery.pk, self.delivery.claims, self.delivery.worker


@dataclass(slots=True)
class Portion:
    """What one claim gave: the claims in the order of receipt, and what is left for the next."""

    claims: list[Claimed]
    left: list[int]


@transaction.atomic
def claim(ids: Collection[int], worker: str, lease: timedelta, turns: Turns | None = None) -> Portion:
    """Take those of `ids` that nobody has, and load them, as far as their bodies fit into memory.

    Deliveries of one guid, one for each hook, are never at work at the same time: the rows of a guid are
    locked together, and one that has to wait is left to the sweep. So is one whose turn has not come.
    """
    # A claim that a crash of the server undoes was never made: nobody need wait for the disk.
    database.relax()
    if turns is not None:
        turns.lock(ids)
    since = time.monotonic()
    family, sizes, now = _family(ids)
    candidates, siblings = _free(family, set(ids))
    admitted = {row.pk: no_turn for row in candidates} if turns is None else turns.admit(candidates)
    taken: list[Delivery] = []
    left: list[int] = []
    loaded = 0
    for row in candidates:
        if row.pk in admitted:
            loaded += sizes[row.pk]
            if taken and loaded > LOAD:
                left.append(row.pk)
            else:
                taken.append(row)
    _wait([row.pk for row in siblings], SIBLING_WAIT)
    _wait([row.pk for row in candidates if row.pk not in admitted], TURN_WAIT)
    bodies: dict[int, bytes] = dict(
        bulk.update(
            Delivery,
            ("id",),
            ("status", "worker", "lease_expires_at", "next_attempt_at", "claims"),
            [(row.pk, Status.PROCESSING.value, worker, now + lease, None, row.claims + 1) for row in taken],
            returning=("id", "body"),
        )
    )
    kin = Counter(row.guid for row in family)
    claims: list[Claimed] = []
    experienced: dict[UUID, Claimed] = {}
    for row in taken:
        row.body, row.worker, row.status = bodies[row.pk], worker, Status.PROCESSING
        row.claims += 1
        claims.append(Claimed(row, turns=admitted[row.pk], since=since))
        if row.claims > 1 or kin[row.guid] > 1:
            experienced[row.guid] = claims[-1]
    _find_done(experienced)
    return Portion(claims, left)


def _family(ids: Iterable[int]) -> tuple[list[Delivery], dict[int, int], datetime]:
    """The rows of these and of all that share their guids, held, with the sizes of their bodies; and now."""
    guids = bulk.select(Delivery, ("id",), [(pk,) for pk in ids], ("guid",))
    rows = bulk.select(
        Delivery,
        ("guid",),
        sorted(set(guids)),
        _FIELDS,
        order=("guid", "hook_id"),
        lock=True,
        also=("length(body)", bulk.now()),
    )
    family = [Delivery.from_db(DEFAULT_DB_ALIAS, _FIELDS, row[:-2]) for row in rows]
    now = bulk.moment(rows[0][-1]) if rows else datetime.now(UTC)
    return family, {row.pk: size for row, (*_, size, _) in zip(family, rows, strict=True)}, now


def _free(family: list[Delivery], ids: Collection[int]) -> tuple[list[Delivery], list[Delivery]]:
    """Those of `ids` that may be taken, in the order of receipt, and those that wait for a sibling."""
    busy = {row.guid for row in family if row.status == Status.PROCESSING}
    candidates: list[Delivery] = []
    siblings: list[Delivery] = []
    for row in family:
        if row.pk in ids and row.status == Status.RECEIVED:
            (siblings if row.guid in busy else candidates).append(row)
            busy.add(row.guid)
    return sorted(candidates, key=lambda row: (row.received_at, row.pk)), siblings


def _wait(ids: Collection[int], wait: timedelta) -> None:
    """Leave deliveries to the sweep, after this time."""
    if ids:
        Delivery.objects.filter(pk__any=ids).update(next_attempt_at=after(wait))


def _find_done(by_guid: dict[UUID, Claimed]) -> None:
    if not by_guid:
        return
    runs = HandlerRun.objects.filter(delivery__guid__in=by_guid, superseded=False)
    for guid, delivery_id, handler, outcome in runs.values_list(
        "delivery__guid", "delivery_id", "handler", "outcome"
    ):
        claimed = by_guid[guid]
        if outcome == Outcome.SUCCEEDED or (
            outcome == Outcome.PERMANENT and delivery_id == claimed.delivery.pk
        ):
            claimed.done[handler] = outcome


def resume(pk: int, claims: int) -> Claimed | None:
    """A delivery that is under a lease already, for who was asked to process it; None when it ended."""
    row = Delivery.objects.filter(pk=pk, claims=claims, status=Status.PROCESSING).first()
    if row is None:
        return None
    claimed = Claimed(row)
    _find_done({row.guid: claimed})
    return claimed


@transaction.atomic
def renew(leases: Collection[Lease], lease: timedelta) -> set[Lease]:
    """Let these leases last for `lease` from now; gives those that do."""
    # What is locked is being settled at this moment.
    rows = Delivery.objects.select_for_update(no_key=True, skip_locked=True).filter(
        pk__any=[pk for pk, *_ in leases], status=Status.PROCESSING
    )
    held = set(rows.values_list("pk", "claims", "worker")) & set(leases)
    Delivery.objects.filter(pk__any=[pk for pk, *_ in held]).update(lease_expires_at=after(lease))
    return held


@transaction.atomic
def release(leases: Collection[Lease], *, crashed: bool = False) -> int:
    """Give back what was claimed and not finished: no attempt is used up, and any sweep takes it at once.

    Gives the number of those that were still held. `crashed` counts the end of the process that ran it.
    """
    rows = Delivery.objects.select_for_update(no_key=True).order_by("guid", "hook_id")
    at_work = rows.filter(pk__any=[pk for pk, *_ in leases], status=Status.PROCESSING)
    held = set(at_work.values_list("pk", "claims", "worker")) & set(leases)
    return Delivery.objects.filter(pk__any=[pk for pk, *_ in held]).update(
        status=Status.RECEIVED,
        lease_expires_at=None,
        next_attempt_at=Now(),
        crashes=models.F("crashes") + int(crashed),
    )
