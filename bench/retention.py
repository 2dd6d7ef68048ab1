"""The part `retention`: how fast each stage prunes, and the space of a delivery before and after it.

All deliveries of a ledger pass the three stages, each of which runs alone to its end, in the portions and
with the pauses of a worker. VACUUM follows each, as autovacuum does. After the bodies, half as many
deliveries are stored once more, to show that they take the space that came back. VACUUM FULL shows the space
of keys alone.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

import psycopg
from django.utils import timezone
from rich.table import Table

from bench import history
from database import row_sets
from ledger import operations, pruning
from ledger.models import AggregatedUntil, Kind
from receiver.models import Delivery

# The load that retention is made for. Each delivery passes each stage once.
A_DAY = 5_000_000
SECONDS_OF_A_DAY = 86_400
# Days: so short that everything is older.
NOTHING = 1e-6
_VACUUM = "VACUUM (ANALYZE) receiver_delivery, receiver_handlerrun"
_SIZES = """
SELECT (SELECT count(*) FROM receiver_delivery), pg_table_size('receiver_delivery'),
    pg_indexes_size('receiver_delivery'), pg_total_relation_size('receiver_handlerrun')
"""


@dataclass(frozen=True, slots=True)
class Point:
    """One step: what it did and in which time, and what is stored after it."""

    name: str
    rows: int
    sizes: tuple[int, ...]
    """Bytes of deliveries, of their indexes, and of runs."""
    done: int = 0
    seconds: float = 0.0
    longest: float = 0.0
    """Seconds of the longest transaction."""


def run(url: str, rows: int, body: bytes, say: Callable[[str], None]) -> list[Point]:
    """Fill the empty ledger at `url`, which is Django's database too, and prune it. Return each step."""
    points: list[Point] = []
    with psycopg.connect(url, autocommit=True) as connection:

        def note(name: str, done: int = 0, seconds: float = 0.0, longest: float = 0.0) -> None:
            [(count, *sizes)] = connection.execute(_SIZES).fetchall()
            points.append(Point(name, count, tuple(sizes), done, seconds, longest))
            say(f"{name}: {done:,} in {seconds:.1f} s")

        _fill(url, rows, body)
        note(f"{rows:,} stored")
        AggregatedUntil.objects.create(at=timezone.now() + timedelta(days=1))
        for stage in ("bodies", "deliveries", "keys"):
            note(f"{stage} pruned", *prune(stage, timezone.now()))
            connection.execute(_VACUUM)
            note("VACUUM")
            if stage == "bodies":
                _fill(url, rows // 2, body)
                note(f"{rows // 2:,} stored more")
            if stage == "deliveries":
                connection.execute("VACUUM FULL receiver_delivery")
                note("VACUUM FULL")
    return points


def _fill(url: str, rows: int, body: bytes) -> None:
    """Store settled deliveries, copied from one with this body."""
    headers = {"X-GitHub-Event": "push", "X-GitHub-Hook-ID": "470100500", "User-Agent": "GitHub-Hookshot/1"}
    Delivery.objects.create(
        guid=uuid4(), hook_id=1, event="push", headers=headers, content_type="application/json", body=body,
        size=len(body), digest=bytes(16), received_at=timezone.now(),
    )  # fmt: skip
    history.fill(url, rows)
    Delivery.objects.filter(finished_at__isnull=True).delete()


def prune(stage: str, before: datetime) -> tuple[int, float, float]:
    """Prune what was settled before, in the portions and with the pauses of a worker.

    Return how many deliveries that were, the seconds, and those of the longest portion.
    """
    days = (row_sets.clock() - before) / timedelta(days=1)
    operation = operations.create(Kind.PRUNE, {stage: max(days, NOTHING)}, "bench", worker="bench")
    began, longest = time.monotonic(), 0.0
    while operation.state == "running":
        start = time.monotonic()
        advanced = operations.advance(operation, pruning.step)
        if advanced is None:
            raise AssertionError("another process runs the operation")
        operation, progress = advanced
        longest = max(longest, time.monotonic() - start)
        time.sleep(progress.wait)
    return operation.done, time.monotonic() - began, longest


def table(points: list[Point]) -> Table:
    """Return the steps, with sizes in MiB, and in bytes for each stored delivery."""
    shown = Table(
        "step", "a second", "times 5 million a day", "longest transaction, ms", "rows",
        "deliveries", "indexes", "runs", title="retention: sizes in MiB, and in bytes a row",
    )  # fmt: skip
    for point in points:
        rate = point.done / point.seconds if point.done else 0.0
        shown.add_row(
            point.name,
            f"{rate:,.0f}" if rate else "",
            f"{rate * SECONDS_OF_A_DAY / A_DAY:.0f}" if rate else "",
            f"{point.longest * 1000:.0f}" if rate else "",
            f"{point.rows:,}",
            *(
                f"{size / 2**20:,.0f}" + (f" ({size / point.rows:,.0f})" if point.rows else "")
                for size in point.sizes
            ),
        )
    return shown
