"""How the end of an attempt is written down: of those that end together, in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache

from django.db import connection, transaction

from database import Coalescer, bulk, given
from processing.claiming import Claimed
from receiver.models import OPEN, Delivery, HandlerRun, Outcome, Status, Trigger


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


_ENDED = {
    "id": "bigint", "claims": "integer", "worker": "text", "status": "text", "crashed": "integer",
    "error": "text", "wait": "double precision",
}  # fmt: skip
_RUN = {
    "handler": "text", "attempt": "integer", "trigger": "text", "outcome": "text",
    "started_at": "timestamp with time zone", "duration": "double precision", "error": "text",
    "traceback": "text", "superseded": "boolean",
}  # fmt: skip
_RAN = {"id": "bigint", "claims": "integer", **_RUN}


def _write(ended: Sequence[tuple[Claimed, Verdict]]) -> Sequence[Verdict | LeaseLostError]:
    rows = [
        (*claimed.lease, verdict.status.value, int(verdict.crashed), verdict.error, _wait(verdict))
        for claimed, verdict in ended
    ]
    runs = [
        (claimed.delivery.id, claimed.delivery.claims, run.handler, run.attempt, run.trigger.value,
         run.outcome.value, run.started_at, run.duration, run.error, run.traceback, False)
        for claimed, verdict in ended
        for run in verdict.runs
    ]  # fmt: skip
    write = _at_once if connection.vendor == "postgresql" else _one_after_the_other
    settled = set(write(rows, runs))
    return [
        verdict
        if claimed.lease in settled
        else LeaseLostError(f"{claimed.delivery}: the lease was lost before its attempt ended")
        for claimed, verdict in ended
    ]


def _wait(verdict: Verdict) -> float | None:
    """Seconds until the next attempt; None after the last."""
    return (verdict.retry_after or timedelta()).total_seconds() if verdict.status in OPEN else None


def _at_once(rows: Sequence[given.Row], runs: Sequence[given.Row]) -> list[given.Row]:
    """Settle those of `rows` whose lease still holds, with their runs; gives these leases."""
    return given.execute(_statement(), [*given.parameters(_ENDED, rows), *given.parameters(_RAN, runs)])


@transaction.atomic
def _one_after_the_other(rows: Sequence[given.Row], runs: Sequence[given.Row]) -> list[given.Row]:
    """The same on SQLite, where no statement writes two tables."""
    settled = given.execute(f"WITH {_held()} {_update()}", given.parameters(_ENDED, rows))
    names = {(pk, claims) for pk, claims, _ in settled}
    written = [(pk, *run) for pk, claims, *run in runs if (pk, claims) in names]
    bulk.insert(HandlerRun, ["delivery_id", *_RUN], written)
    return settled


def _held() -> str:
    """By their ids alone: whoever plans by the status, of which few are expected, plans badly for many."""
    lock = "ORDER BY guid, hook_id FOR NO KEY UPDATE OF delivery" if connection.vendor == "postgresql" else ""
    return f"""
        ended AS (SELECT * FROM {given.relation(_ENDED)}),
        held AS (
            SELECT delivery.id, delivery.claims, delivery.worker, delivery.status AS stands
            FROM {bulk.table(Delivery)} AS delivery JOIN ended ON ended.id = delivery.id {lock}
        )
    """  # noqa: S608 - names of ours


def _update() -> str:
    table = bulk.table(Delivery)
    return f"""
        UPDATE {table} SET
            status = ended.status, error = ended.error, lease_expires_at = NULL,
            attempts = attempts + 1 - crashed, crashes = crashes + crashed,
            next_attempt_at = {given.now("wait")},
            finished_at = CASE WHEN wait IS NULL THEN {given.now()} END
        FROM ended JOIN held USING (id, claims, worker)
        WHERE {table}.id = held.id AND stands = '{Status.PROCESSING}'
        RETURNING {bulk.named(Delivery, ["id", "claims", "worker"])}
    """  # noqa: S608 - names of ours


@cache
def _statement() -> str:
    """Locks in the one order, then settles, then writes the runs of what was settled."""
    written = ", ".join(_RUN)
    return f"""
        WITH {_held()}, settled AS ({_update()}),
        written AS (
            INSERT INTO {bulk.table(HandlerRun)} (delivery_id, {written})
            SELECT id, {written} FROM {given.relation(_RAN, "ran")} JOIN settled USING (id, claims)
        )
        SELECT id, claims, worker FROM settled
    """  # noqa: S608 - names of ours


_settle = Coalescer(_write, rows=lambda ended: 1 + len(ended[1].runs))


async def settle(claimed: Claimed, verdict: Verdict) -> None:
    """Write down how an attempt ended, and its runs; raises `LeaseLostError` when it is not ours any more.

    The clock is the database's.
    """
    await _settle((claimed, verdict))
