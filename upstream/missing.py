"""The rows of missed deliveries: found, asked for, arrived, lost. Every function raises `django.db.Error`."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, models, transaction

from database import row_sets
from receiver.models import Delivery, Resumption
from upstream import asking
from upstream.answers import ListedDelivery
from upstream.asking import Ask, GiveUp, History, Wait
from upstream.models import OPEN, Missed, MissedState, Pause, WatchedHook, retention

# Age up to which a missed delivery is marked when it arrives after all.
ARRIVAL_NOTED_FOR = timedelta(days=8)
# Rows that one decision reads.
MAX_CONSIDERED = 1000
MAX_TEXT = 255  # characters of a column
# Names of the pauses that all workers share: see `upstream.models.Pause`.
ASKS, API = "asks", "api"


def grouped(listed: Iterable[ListedDelivery]) -> dict[UUID, ListedDelivery]:
    """Return the newest attempt of each guid, without pings, which carry nothing to recover. Pure."""
    newest: dict[UUID, ListedDelivery] = {}
    for one in listed:
        if one.event != "ping" and (one.guid not in newest or one.id > newest[one.guid].id):
            newest[one.guid] = one
    return newest


def absent(guids: Collection[UUID], hook_id: int) -> set[UUID]:
    """Return the guids that the ledger does not have from this hook, under any source."""
    rows = Delivery.objects.filter(guid__in=guids, hook_id=hook_id)
    return set(guids) - set(rows.values_list("guid", flat=True))


def known(watched: WatchedHook, guids: Collection[UUID]) -> dict[UUID, int]:
    """Return the guids that were found missing at this hook before, with the hook id of each."""
    return dict(watched.missed.filter(guid__in=guids).values_list("guid", "hook_id"))


def add(watched: WatchedHook, hook_id: int, listed: Sequence[ListedDelivery]) -> None:
    """Store missing deliveries; those found before get a newer attempt, such as a redelivery that failed."""
    now = row_sets.clock()
    before = Missed.objects.filter(hook_id=hook_id, guid__in=[one.guid for one in listed])
    attempts = dict(before.values_list("guid", "attempt"))
    new = [
        Missed(
            watched=watched,
            guid=one.guid,
            hook_id=hook_id,
            event=one.event[:64],
            action=(one.action or "")[:MAX_TEXT],
            found_at=now,
            **_attempt(one),
        )
        for one in listed
        if one.guid not in attempts
    ]
    Missed.objects.bulk_create(new, ignore_conflicts=True)
    for one in listed:
        if attempts.get(one.guid, one.id) < one.id:
            before.filter(OPEN, guid=one.guid, attempt__lt=one.id).update(**_attempt(one))


def _attempt(one: ListedDelivery) -> dict[str, Any]:
    """Return the columns of an attempt."""
    outcome = f"{one.status_code} {one.status}"[:MAX_TEXT]
    return {"attempt": one.id, "delivered_at": one.delivered_at, "outcome": outcome}


def note_arrivals(watched: Collection[int]) -> int:
    """Mark deliveries that the ledger has by now; return how many were marked."""
    now = row_sets.clock()
    stored = Delivery.objects.filter(guid=models.OuterRef("guid"), hook_id=models.OuterRef("hook_id"))
    waiting = ~models.Q(state=MissedState.ARRIVED)
    rows = Missed.objects.filter(waiting, watched__in=watched, found_at__gt=now - ARRIVAL_NOTED_FOR)
    return rows.filter(models.Exists(stored)).update(state=MissedState.ARRIVED, arrived_at=now, reason="")


@dataclass(frozen=True, slots=True)
class Due:
    """The missed deliveries of a hook that can be asked for now, and the wait for the others."""

    ask: Sequence[Missed]
    wait: float
    """Seconds until more may be due while the caller waits for arrivals; 0 when it need not wait."""
    lost: Sequence[str] = ()
    """Why deliveries were given up just now."""


def due(watched: WatchedHook, limit: int, arrives_within: timedelta) -> Due:
    """Return up to `limit` deliveries to ask for, those first that were asked least, then the oldest.

    Those that cannot arrive any more are marked as lost.
    """
    now = row_sets.clock()
    reachable_at = _reachable_at(watched)
    open_rows = Missed.objects.filter(OPEN, watched=watched)
    unanswered = open_rows.filter(asked_at__gt=now - asking.WITHOUT_EVIDENCE)
    if reachable_at is not None:
        unanswered = unanswered.filter(asked_at__gt=reachable_at)
    free = min(limit, asking.MAX_UNANSWERED - unanswered.count())
    found: list[Missed] = []
    lost: list[str] = []
    soonest: datetime | None = None
    for row in open_rows.order_by("asks", "delivered_at")[:MAX_CONSIDERED]:
        history = History(row.delivered_at, row.asks, row.asked_at)
        # An endpoint that can be reached says nothing about a request that GitHub did not carry out.
        evidence = None if row.reason else reachable_at
        match asking.decide(history, now, evidence, retention(), arrives_within):
            case GiveUp(reason):
                lost.extend([reason] * lose(row, f"{reason}: {row.reason}" if row.reason else reason))
            case Wait(until):
                soonest = until if soonest is None else min(soonest, until)
            case Ask() if len(found) < free:
                found.append(row)
    expected = open_rows.aggregate(last=models.Max("asked_at"))["last"]
    waits = expected is not None and now < expected + arrives_within
    wait = max(0.0, ((soonest or expected + arrives_within) - now).total_seconds()) if waits else 0.0
    return Due(found, wait, lost)


def _reachable_at(watched: WatchedHook) -> datetime | None:
    """Return when something last came through this hook, or a receiver came back."""
    arrived = watched.missed.filter(state=MissedState.ARRIVED, reason="")
    times = [
        watched.last_received_at,
        arrived.aggregate(last=models.Max("arrived_at"))["last"],
        Resumption.objects.aggregate(last=models.Max("at"))["last"],
    ]
    return max((time for time in times if time is not None), default=None)


def note_ask(row: Missed) -> bool:
    """Count a request to deliver before it is sent; return False if it is stored, or was asked for, by now.

    A worker that is killed after this has spent the ask, so no guid is asked for more often than allowed.
    """
    if not absent([row.guid], row.hook_id):
        return False
    rows = Missed.objects.filter(OPEN, pk=row.pk, asks=row.asks)
    columns = {"state": MissedState.ASKED, "asked_at": row_sets.clock(), "reason": ""}
    return bool(rows.update(asks=models.F("asks") + 1, **columns))


def note_refusal(row: Missed, reason: str) -> None:
    """Store why GitHub may not have done what `note_ask` counted."""
    Missed.objects.filter(OPEN, pk=row.pk).update(reason=reason)


def take_back(row: Missed) -> None:
    """Undo `note_ask` for a request that GitHub has not done; `row` is as it was before."""
    Missed.objects.filter(OPEN, pk=row.pk, asks=row.asks + 1).update(
        state=row.state, asks=row.asks, asked_at=row.asked_at, reason=row.reason
    )


def lose(row: Missed, reason: str) -> int:
    """Mark a delivery as lost, unless it arrived; return how many were marked."""
    rows = Missed.objects.filter(pk=row.pk).exclude(state=MissedState.ARRIVED)
    return rows.update(state=MissedState.LOST, reason=reason)


def paused(name: str) -> float:
    """Return the seconds for which no worker may send under this name."""
    until = Pause.objects.filter(name=name).values_list("until", flat=True).first()
    return 0.0 if until is None else max(0.0, (until - row_sets.clock()).total_seconds())


def pause(name: str, seconds: float) -> float:
    """Let no other worker send under this name for so long, and return 0.

    Where another one holds a pause, return the seconds for which it does.
    """
    now = row_sets.clock()
    until = now + timedelta(seconds=seconds)
    if Pause.objects.filter(name=name, until__lte=now).update(until=until):
        return 0.0
    try:
        with transaction.atomic():
            Pause.objects.create(name=name, until=until)
    except IntegrityError:
        return paused(name) or seconds
    return 0.0


def extend_pause(name: str, seconds: float) -> None:
    """Let no worker send under this name for so long from now, even if another one holds the pause."""
    until = row_sets.clock() + timedelta(seconds=seconds)
    Pause.objects.update_or_create(name=name, defaults={"until": until})


def note_limit(seconds: float) -> float:
    """Let every worker wait for a limit, and the next one after a crash too; return the seconds."""
    seconds = max(1.0, seconds)
    extend_pause(API, seconds)
    return seconds
