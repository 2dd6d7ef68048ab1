"""The lease: who may process a delivery, for how long, and how it is given back.

What is `received` may be claimed: a retry that is due, and what a lost worker held, become that by the sweep.

All times here are the database's, so that a worker whose clock is off neither takes a lease early nor
retries early. Rows are locked in the order of (guid, hook id), as by intake, so that nobody deadlocks.
"""

import time
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple
from uuid import UUID

from django.db import connection, models, transaction
from django.db.models.functions import Now

import database
from database import bulk, given
from processing.turns import Turn, Turns
from receiver.models import Delivery, HandlerRun, Outcome, Status, after

# Renewed while work runs, so it need only outlast a stall of the event loop, or of the database.
LEASE = timedelta(seconds=30)
# When another hook's delivery of the same guid is at work, come back after this.
SIBLING_WAIT = timedelta(seconds=1)
# Who waits for a turn is woken by who has it; should he fail to, the sweep comes after this.
TURN_WAIT = timedelta(seconds=10)
# Bytes of bodies, as compressed, after which one claim takes no more.
LOAD = 1024 * 1024

no_turn: frozenset[Turn] = frozenset()

Lease = tuple[int, int, str]
"""A delivery, its `claims` and its `worker`: a crash of the server may undo a claim, and `claims` with it."""


class Held(NamedTuple):
    """A delivery as its worker knows it, by the names of `Delivery`. A model would cost more."""

    id: int
    guid: UUID
    hook_id: int
    source: str
    event: str
    action: str
    repository: str
    installation_id: int | None
    headers: dict[str, str]
    content_type: str
    body: bytes
    received_at: datetime
    attempts: int
    claims: int
    crashes: int
    error: str
    worker: str

    def __str__(self) -> str:
        return f"{self.event} {self.guid}"


@dataclass(slots=True)
class Claimed:
    """A delivery under this worker's lease, and the handlers that need not run again."""

    delivery: Held
    done: dict[str, str] = field(default_factory=dict)
    """Handler to outcome: those that succeeded for this guid, and those that failed for good."""
    turns: frozenset[Turn] = no_turn
    since: float = 0.0
    """`time.monotonic()` of this process just before the lease was taken, or renewed."""

    @property
    def lease(self) -> Lease:
        """What tells this lease from any other, earlier or later."""
        return self.delivery.id, self.delivery.claims, self.delivery.worker


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
    admitted: dict[int, frozenset[Turn]] = {}
    if turns is not None:
        admitted, waiting = turns.admit(ids)
        _wait(waiting, TURN_WAIT)
        ids = set(ids).difference(waiting)
    since = time.monotonic()
    claims: list[Claimed] = []
    experienced: dict[UUID, Claimed] = {}
    loaded = 0
    for *row, size, has_kin in _take(ids, worker, lease) if ids else []:
        held = Held._make(row)
        claims.append(Claimed(held, turns=admitted.get(held.id, no_turn), since=since))
        loaded += size
        if has_kin or held.claims > 1:
            experienced[held.guid] = claims[-1]
    claims.sort(key=lambda claimed: (claimed.delivery.received_at, claimed.delivery.id))
    _find_done(experienced)
    taken = {claimed.delivery.id for claimed in claims}
    missed = [pk for pk in ids if pk not in taken]
    if loaded >= LOAD:
        return Portion(claims, missed)
    _wait(missed, SIBLING_WAIT)
    return Portion(claims, [])


def _take(ids: Collection[int], worker: str, lease: timedelta) -> list[given.Row]:
    """The rows that are now this worker's: the fields of `Held`, the size of the body, whether it has kin."""
    asked = given.parameters(_ASKED, [(pk,) for pk in ids])
    rows = given.execute(_taking(), [*asked, worker, lease.total_seconds(), LOAD])
    return bulk.loaded(Delivery, Held._fields, rows)


_ASKED = {"id": "bigint"}


@cache
def _taking() -> str:
    """The statement; of each guid it takes the first row that is asked for, unless another is at work."""
    table = bulk.table(Delivery)
    return f"""
        WITH asked AS (SELECT id FROM {given.relation(_ASKED)}),
        family AS (
            SELECT id, guid, hook_id, status, received_at, length(body) AS size FROM {table}
            WHERE guid IN (SELECT guid FROM {table} JOIN asked USING (id))
            {"ORDER BY guid, hook_id FOR NO KEY UPDATE" if connection.vendor == "postgresql" else ""}
        ),
        wanted AS (SELECT family.*, status = '{Status.RECEIVED}' AND asked.id IS NOT NULL AS free
            FROM family LEFT JOIN asked ON asked.id = family.id),
        judged AS (SELECT wanted.*, min(hook_id) FILTER (WHERE free) OVER kin AS first,
                count(*) FILTER (WHERE status = '{Status.PROCESSING}') OVER kin AS at_work
            FROM wanted WINDOW kin AS (PARTITION BY guid)),
        portion AS (SELECT id, sum(size) OVER (ORDER BY received_at, id) - size AS before
            FROM judged WHERE free AND hook_id = first AND at_work = 0)
        UPDATE {table} SET status = '{Status.PROCESSING}', worker = %s, claims = claims + 1,
            lease_expires_at = {given.now("%s")}, next_attempt_at = NULL
        FROM portion WHERE {table}.id = portion.id AND before < %s
        RETURNING {bulk.named(Delivery, Held._fields)}, length({table}.body), EXISTS (
            SELECT 1 FROM {table} AS kin WHERE kin.guid = {table}.guid AND kin.id <> {table}.id)
    """  # noqa: S608 - names of ours


def _wait(ids: Collection[int], wait: timedelta) -> None:
    """Leave deliveries that could not be taken to the sweep, after this time."""
    if ids:
        waiting = Delivery.objects.filter(pk__any=ids, status=Status.RECEIVED)
        waiting.update(next_attempt_at=after(wait))


def _find_done(by_guid: dict[UUID, Claimed]) -> None:
    if not by_guid:
        return
    runs = HandlerRun.objects.filter(delivery__guid__in=by_guid, superseded=False)
    for guid, delivery_id, handler, outcome in runs.values_list(
        "delivery__guid", "delivery_id", "handler", "outcome"
    ):
        claimed = by_guid[guid]
        if outcome == Outcome.SUCCEEDED or (
            outcome == Outcome.PERMANENT and delivery_id == claimed.delivery.id
        ):
            claimed.done[handler] = outcome


def resume(pk: int, claims: int) -> Claimed | None:
    """A delivery that is under a lease already, for who was asked to process it; None when it ended."""
    rows = Delivery.objects.filter(pk=pk, claims=claims, status=Status.PROCESSING)
    row = rows.values_list(*Held._fields).first()
    if row is None:
        return None
    claimed = Claimed(Held._make(row))
    _find_done({claimed.delivery.guid: claimed})
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
