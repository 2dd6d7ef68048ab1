"""Reads the overview in few statements; each is bounded and uses an index."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, CharField, F, Value
from django.db.models.functions import Substr

from ledger import rates, reading, silence, unmatched
from ledger.counting import CAP
from ledger.rates import Charts, stored_time, union
from ledger.reading import ERROR_LENGTH, MAX_ERRORS, MAX_RETRIES
from ledger.silence import Silent
from ledger.summary import event_name
from receiver.models import WAITING, Delivery, Reason, RejectionCount, Status

# Maximum numbers of rows that are read.
MAX_IGNORED = 1_000
MAX_HELD = 1_000
DAYS_COUNTED = 7


@dataclass(frozen=True, slots=True)
class Waiting:
    """The first `CAP` deliveries that wait, by status, and when the oldest came."""

    numbers: Mapping[str, int]
    oldest: datetime | None

    @property
    def total(self) -> int:
        """Their number."""
        return sum(self.numbers.values())


@dataclass(frozen=True, slots=True)
class Open:
    """A delivery under a lease, or one that is tried again; `at` is its end, or the next attempt."""

    id: int
    status: str
    worker: str
    name: str
    """Event and action."""
    repository: str
    attempts: int
    error: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Overview:
    """The state of the ledger at one moment, `now`."""

    now: datetime
    charts: Charts
    waiting: Waiting
    held: Sequence[Open]
    retries: Sequence[Open]
    dead: int
    """Up to `CAP`."""
    errors: Sequence[tuple[str, str]]
    """Event and error of the newest `MAX_ERRORS` dead deliveries."""
    rejections: Sequence[tuple[str, int]]
    """Reasons with their numbers in the last week, the most frequent first."""
    unmatched: Sequence[tuple[str, int]]
    """Events that no handler wanted with their numbers, among the newest `MAX_IGNORED` of the last week."""
    silent: Sequence[Silent]

    @property
    def is_empty(self) -> bool:
        """Whether nothing came in the last week, and nothing waits."""
        return not (self.charts.hours.numbers or self.waiting.numbers or self.held)


def read(now: datetime) -> Overview:
    """Read everything. Raises `django.db.Error` if the database does not answer."""
    held, retries = _open()
    dead, errors = _dead()
    lost = _lost(now)
    return Overview(
        now=now,
        charts=rates.charts(now),
        waiting=_waiting(),
        held=held,
        retries=retries,
        dead=dead,
        errors=errors,
        rejections=lost["refused"],
        unmatched=lost["ignored"],
        silent=silence.silent(now),
    )


def _waiting() -> Waiting:
    rows = Delivery.objects.filter(WAITING).order_by("next_attempt_at").values("status", "received_at")[:CAP]
    found = union(
        [rows], "SELECT status, COUNT(*), MIN(received_at) FROM ({rows}) AS waiting GROUP BY status"
    )
    oldest = min((stored_time(at) for _, _, at in found), default=None)
    return Waiting({status: number for status, number, _ in found}, oldest)


def _open() -> tuple[list[Open], list[Open]]:
    """Return the deliveries under leases, and the next retries, with one statement."""
    columns = ("pk", "status", "worker", "event", "action", "repository", "attempts", "text", "at")
    rows = Delivery.objects.annotate(text=Substr("error", 1, ERROR_LENGTH))
    held = (
        rows.filter(status=Status.PROCESSING).annotate(at=F("lease_expires_at")).order_by("lease_expires_at")
    )
    due = rows.filter(status=Status.RETRYING).annotate(at=F("next_attempt_at"))
    parts = [
        held.values(*columns)[:MAX_HELD],
        due.order_by("next_attempt_at", "pk").values(*columns)[:MAX_RETRIES],
    ]
    found = [
        Open(pk, status, worker, event_name(event, action), name, attempts, text, stored_time(at))
        for pk, status, worker, event, action, name, attempts, text, at in union(parts)
        if at is not None
    ]
    return (
        [one for one in found if one.status == Status.PROCESSING],
        [one for one in found if one.status == Status.RETRYING],
    )


def _dead() -> tuple[int, list[tuple[str, str]]]:
    """Return the number of dead deliveries, and event and error of the newest, with one statement."""
    dead = reading.dead()
    newest = dead.values("event", text=Substr("error", 1, ERROR_LENGTH))
    counted, values = dead.order_by().values("pk")[:CAP].query.sql_with_params()
    rows, more = newest[:MAX_ERRORS].query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT (SELECT COUNT(*) FROM ({counted}) AS counted), event, text FROM ({rows}) AS newest",  # noqa: S608
            [*values, *more],
        )
        found = cursor.fetchall()
    return (found[0][0] if found else 0), [(event, error) for _, event, error in found]


def _lost(now: datetime) -> dict[str, list[tuple[str, int]]]:
    """Return rejections by reason and ignored deliveries by event, with one statement."""
    counts: Any = RejectionCount.objects.filter(
        reason__in=Reason.values, day__gte=now.date() - timedelta(days=DAYS_COUNTED - 1)
    )
    parts = []
    for kind, rows, name, times in (
        ("refused", counts, "reason", F("count")),
        ("ignored", unmatched.newest(now)[:MAX_IGNORED], "event", Value(1, output_field=BigIntegerField())),
    ):
        named = rows.annotate(kind=Value(kind, output_field=CharField()), name=F(name), times=times)
        parts.append(named.values("kind", "name", "times"))
    found: dict[str, list[tuple[str, int]]] = {"refused": [], "ignored": []}
    summed = "SELECT kind, name, SUM(times) FROM ({rows}) AS lost GROUP BY 1, 2 ORDER BY 3 DESC, 2"
    for kind, name, number in union(parts, summed):
        found[kind].append((name, int(number)))
    return found
