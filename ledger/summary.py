"""Converts a reading of the queue to tables. Pure."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger.counting import CAP
from ledger.heartbeats import Heartbeat
from ledger.reading import MAX_ERRORS, MAX_HELD, MINUTE, HeldDelivery, Reading
from receiver.models import OPEN, Status

# Maximum numbers of rows in the tables.
MAX_EVENTS = 12
MAX_WORKERS = 20
MAX_RUNNING = 4  # of each worker: those that it has held for the longest time
MAX_REASONS = 8
REASON_LENGTH = 120  # characters
# The reason of dead deliveries of which only the key is left.
PRUNED = "(pruned)"

# The varying parts of errors with one reason: ids, hashes, numbers, addresses.
_VARYING = re.compile(r"\b(?:[0-9a-f]{8}-[0-9a-f-]{27}|(?=[0-9a-f]*\d)[0-9a-f]{7,}|\d+(?:\.\d+)*)\b", re.I)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of plain text; the columns in `numbers` are right-aligned."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: Collection[str] = ()


def headline(reading: Reading) -> str:
    """Return the time, the size of the queue and the rate."""
    waits = "nothing waits"
    if reading.waiting_total:
        about = "about " if reading.waiting_total >= CAP else ""
        oldest = reading.oldest and span((reading.now - reading.oldest).total_seconds())
        waits = f"{about}{reading.waiting_total:,} waiting, the oldest for {oldest}"
    rate = reading.settled_last_minute / MINUTE.total_seconds()
    return f"{_clock(reading.now)} UTC | {waits} | {rate:,.1f} settled a second over the last minute"


def sheets(reading: Reading) -> list[Sheet]:
    """Return all tables; those of retries and of reasons only if they have rows."""
    rare = [retries(reading), reasons(reading)]
    return [deliveries(reading), workers(reading), *(sheet for sheet in rare if sheet.rows)]


def deliveries(reading: Reading) -> Sheet:
    """Return counts by event and status: open deliveries, and recently settled ones."""
    counts: Counter[tuple[str, str]] = Counter({**reading.waiting, **reading.settled})
    counts.update((Status.PROCESSING.value, held.event) for held in reading.held)
    statuses = [status.value for status in Status if status in OPEN or any(s == status for s, _ in counts)]
    totals: Counter[str] = Counter()
    for (_, event), count in counts.items():
        totals[event] += count
    first = [event for event, _ in sorted(totals.items(), key=lambda item: (-item[1], item[0]))][:MAX_EVENTS]
    by_event = {event: [counts[status, event] for status in statuses] for event in first}
    rest = [sum(counts[s, event] for event in totals if event not in by_event) for s in statuses]
    if any(rest):
        by_event[f"{len(totals) - len(first)} more"] = rest
    by_event["all"] = [sum(column) for column in zip(*by_event.values(), strict=True)] or [0] * len(statuses)
    title = f"Deliveries; settled ones since {_clock(reading.settled_since)}"
    if sum(reading.waiting.values()) >= CAP:
        title += f"; only the first {CAP:,} that wait"
    if len(reading.held) >= MAX_HELD:
        title += f"; {MAX_HELD:,} of those in processing"
    rows = [[event, *(f"{count:,}" for count in row)] for event, row in by_event.items()]
    return Sheet(title, ["event", *statuses], rows, numbers=statuses)


def workers(reading: Reading) -> Sheet:
    """Return the live workers with their deliveries, and dead workers with leases."""
    held: dict[str, list[HeldDelivery]] = defaultdict(list)
    for delivery in reading.held:
        held[delivery.worker].append(delivery)
    alive = {worker.worker: worker for worker in reading.alive}
    rows: list[list[str]] = []
    for name in [*alive, *sorted(held.keys() - alive.keys())][:MAX_WORKERS]:
        rows += _worker(name, alive.get(name), held.get(name, []), reading)
    more = len(alive.keys() | held.keys()) - MAX_WORKERS
    if more > 0:
        rows.append([f"{more} more", "", "", "", "", ""])
    title = f"Workers: {reading.redis_error or f'{len(alive)} alive'}"
    columns = ["worker", "since", "at work", "event", "repository", "for"]
    return Sheet(title, columns, rows, numbers=["at work"])


def _worker(
    name: str, alive: Heartbeat | None, held: Sequence[HeldDelivery], reading: Reading
) -> list[list[str]]:
    running = alive.running if alive else {}
    longest = sorted(held, key=lambda delivery: -running.get(delivery.id, 0))[:MAX_RUNNING]
    if alive:
        state = f"{alive.since:%m-%d %H:%M:%S}"
    elif reading.redis_error:
        state = "unknown"
    else:
        state = "gone; leases end"
    rows = [[name, state, f"{alive.at_work if alive else len(held):,}", "", "", ""]]
    for place, delivery in enumerate(longest):
        if place:
            rows.append([""] * 6)
        if delivery.id in running:
            lasted = span(running[delivery.id])
        elif alive or delivery.lease_expires_at is None:
            lasted = ""
        else:
            left = (delivery.lease_expires_at - reading.now).total_seconds()
            lasted = f"lease {span(left)}" if left > 0 else "lease over"
        rows[-1][3:] = [event_name(delivery.event, delivery.action), delivery.repository, lasted]
    return rows


def retries(reading: Reading) -> Sheet:
    """Return the next retries."""
    rows = []
    for due in reading.retries:
        wait = (due.at - reading.now).total_seconds()
        when = f"in {span(wait)}" if wait > 0 else "now"
        name = event_name(due.event, due.action)
        rows.append([when, str(due.attempts + 1), name, due.repository, due.error])
    return Sheet("Next retries", ["when", "attempt", "event", "repository", "error"], rows, ["attempt"])


def reasons(reading: Reading) -> Sheet:
    """Return the reasons of dead deliveries, by frequency."""
    found = grouped(reading.errors)
    rows = [[f"{count:,}", reason, ", ".join(events)] for reason, count, events in found[:MAX_REASONS]]
    if len(found) > MAX_REASONS:
        rest = sum(count for _, count, _ in found[MAX_REASONS:])
        rows.append([f"{rest:,}", f"{len(found) - MAX_REASONS} more reasons", ""])
    more = " or more" if reading.dead >= CAP else ""
    title = f"Dead: {reading.dead:,}{more}"
    if reading.dead > MAX_ERRORS:
        title += f"; reasons of the newest {MAX_ERRORS:,}"
    return Sheet(title, ["dead", "reason", "events"], rows, ["dead"])


def grouped(errors: Iterable[tuple[str, str]]) -> list[tuple[str, int, list[str]]]:
    """Group (event, error) by reason; return reason, count and events, the most frequent first.

    Errors have one reason if their first lines begin alike, apart from numbers and ids. Only pruning leaves
    a dead delivery without an error.
    """
    counts: Counter[str] = Counter()
    events: dict[str, set[str]] = defaultdict(set)
    for event, error in errors:
        line = error.strip().partition("\n")[0]
        reason = _VARYING.sub("…", line)[:REASON_LENGTH] or PRUNED
        counts[reason] += 1
        events[reason].add(event)
    return [(reason, count, sorted(events[reason])) for reason, count in counts.most_common()]


def span(seconds: float) -> str:
    """Return a duration as text, as in `3 s`, `12 min` or `5 h`; a negative one counts as zero."""
    seconds = max(0.0, seconds)
    for unit, length, most in (("s", 1, 120), ("min", 60, 120), ("h", 3600, 48)):
        if seconds < length * most:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds / 86_400:.0f} days"


def event_name(event: str, action: str) -> str:
    """Return event and action as one name, as in `issues.opened`."""
    return f"{event}.{action}" if action else event


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}"
