"""The part `space`: bytes that a delivery writes to PostgreSQL's log and leaves on the disk, index by index.

The workload is stored as the receiver does it, claimed and settled as a worker does it, and no handler runs.
Then the same again without each of the indexes. Nothing is vacuumed in between, so the table holds every
version of a row; in use, vacuum lets later deliveries take the space of all but the last.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

import psycopg
from psycopg import sql
from rich.table import Table

from bench.backlogs import signed
from processing import claiming, settling
from processing.claiming import Claimed
from processing.leases import CLAIM
from processing.running import Run, Verdict
from receiver import store
from receiver.intake import MAX_BATCH
from receiver.models import Outcome, Status, Trigger
from receiver.postgresql import PostgresWriter

DELIVERIES = 3_000  # of one measurement
LEASE = timedelta(minutes=10)
ALL = 2**40  # bytes: more than the workload has
# Bytes that a delivery left before docs/decisions/0048: rows, their indexes, runs. The target is 0.7 of them.
BEFORE = 4_656 + 822 + 243
_SIZES = """
SELECT pg_table_size('receiver_delivery'), pg_indexes_size('receiver_delivery'),
    pg_total_relation_size('receiver_handlerrun')
"""
_INDEXES = """
SELECT indexname, indexdef
FROM pg_indexes JOIN pg_class ON relname = indexname JOIN pg_index ON indexrelid = oid
WHERE tablename IN ('receiver_delivery', 'receiver_handlerrun') AND NOT indisunique ORDER BY indexname
"""


@dataclass(frozen=True, slots=True)
class Written:
    """Bytes a delivery: of the log, by who wrote them, and of what is stored."""

    name: str
    log: tuple[float, ...]
    """Bytes of the insert, of the claim, of the settlement."""
    stored: tuple[float, ...]
    """Bytes of deliveries, of their indexes, of runs with their indexes."""


def run(url: str, say: Callable[[str], None]) -> list[Written]:
    """Measure with all indexes, and without each of them; `url` is Django's database too, and empty."""
    with psycopg.connect(url, autocommit=True) as connection:
        found = [_measure(connection, "all indexes")]
        for name, definition in connection.execute(_INDEXES).fetchall():
            connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
            found.append(_measure(connection, f"without {name}"))
            connection.execute(definition)
            say(found[-1].name)
    return found


def _measure(connection: psycopg.Connection, name: str) -> Written:
    connection.execute("TRUNCATE receiver_delivery, receiver_handlerrun RESTART IDENTITY CASCADE")
    log = [0, 0, 0]
    before = _position(connection)
    asyncio.run(_store())
    log[0] = _position(connection) - before
    connection.execute("VACUUM (ANALYZE) receiver_delivery")
    connection.execute("CHECKPOINT")
    before = _position(connection)
    while claims := claiming.claim("bench", LEASE, CLAIM, ALL).claims:
        claimed = _position(connection)
        settling._write([(one, _succeeded(one)) for one in claims])
        settled = _position(connection)
        log[1] += claimed - before
        log[2] += settled - claimed
        before = settled
    [sizes] = connection.execute(_SIZES).fetchall()
    return Written(name, tuple(size / DELIVERIES for size in log), tuple(size / DELIVERIES for size in sizes))


async def _store() -> None:
    writer, arrivals = PostgresWriter(), signed(0, DELIVERIES)
    try:
        while portion := list(islice(arrivals, MAX_BATCH)):
            await store.store(writer, portion)
    finally:
        await writer.close()


def _succeeded(claimed: Claimed) -> Verdict:
    name, now = f"{claimed.delivery.event}.record", datetime.now(UTC)
    return Verdict(Status.SUCCEEDED, runs=[Run(name, 1, Trigger.DELIVERY, Outcome.SUCCEEDED, now, 0.01)])


def _position(connection: psycopg.Connection) -> int:
    [[bytes_]] = connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchall()
    return int(bytes_)


def table(found: list[Written]) -> Table:
    """Return the bytes of each measurement."""
    shown = Table(
        "", "insert", "claim", "settlement", "deliveries", "indexes", "runs", f"on disk ÷ {BEFORE:,}",
        title="bytes a delivery: of the log, and on the disk",
    )  # fmt: skip
    for one in found:
        sizes = (f"{size:,.0f}" for size in (*one.log, *one.stored))
        shown.add_row(one.name, *sizes, f"{sum(one.stored) / BEFORE:.2f}")
    return shown
