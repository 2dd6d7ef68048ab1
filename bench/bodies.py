"""The part `bodies`: whether the body belongs in a table of its own, with a partition for each day.

The layout of today and the prototype of `bench.bodies_apart` are measured in turn: a batch inserted as the
receiver does it, claimed and settled, its bodies read. Then the bodies of the oldest deliveries go: by an
update in batches of 5,000 with VACUUM, and by dropping a partition while batches are inserted. See
docs/decisions/0052.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import psycopg
from rich.table import Table

from bench import delivery, figures, writes
from bench.bodies_apart import insert_apart
from bench.servers import Servers
from receiver.arrivals import Arrival
from receiver.postgresql import INSERT, parameters

TODAY, APART = "public", "apart"
BATCH = 32  # deliveries, as a busy receiver inserts
CLAIMED = 100
PRUNED_AT_ONCE = 5_000
_READ = {
    TODAY: "SELECT id, body FROM receiver_delivery WHERE id = ANY(%s)",
    APART: "SELECT id, body FROM receiver_delivery JOIN body USING (id, received_at) WHERE id = ANY(%s)",
}
_CLAIM = """
UPDATE receiver_delivery SET status = 'processing', claims = claims + 1, worker = 'host:1:abc',
    next_attempt_at = NULL, lease_expires_at = now() + interval '30 s' WHERE id = ANY(%s)
"""
_SETTLE = """
UPDATE receiver_delivery SET status = 'succeeded', attempts = 1, lease_expires_at = NULL, finished_at = now()
WHERE id = ANY(%s)
"""
_OLDEST = "SELECT id FROM receiver_delivery WHERE finished_at IS NOT NULL ORDER BY received_at LIMIT %s"


@dataclass(frozen=True)
class Cost:
    """The cost of a delivery: deliveries a second of one connection, seconds of PostgreSQL, bytes of WAL."""

    rate: float
    cpu: float
    wal: float


@dataclass(frozen=True)
class Pruned:
    """The pruning of bodies in seconds and bytes; `waited` is the longest wait of an insert meanwhile."""

    name: str
    deliveries: int
    seconds: float
    cpu: float
    wal: int
    returned: int
    waited: float


class Layout:
    """One of the two layouts, through one connection."""

    def __init__(self, name: str, url: str, servers: Servers) -> None:
        self.name, self._servers = name, servers
        self.database = psycopg.connect(url, autocommit=True)
        self.database.execute(f"SET search_path = {name}".encode())
        self.database.execute(
            b"PREPARE intake (json, bytea) AS " + (INSERT if name == TODAY else insert_apart())
        )
        self.ids: list[int] = []

    def insert(self, batch: list[Arrival]) -> float:
        """Insert a batch durably; return its seconds."""
        values = parameters(batch, [1] * len(batch))
        began = time.perf_counter()
        result = self.database.pgconn.exec_prepared(b"intake", values, [0, 1])
        took = time.perf_counter() - began
        if result.ntuples != len(batch):
            raise RuntimeError(f"{self.name}: {result.error_message.decode()}")
        self.ids += [int(result.get_value(row, 3) or b"0") for row in range(result.ntuples)]
        return took

    def cost(self, work: Callable[[], tuple[int, float]]) -> Cost:
        """Return what `work` costs, which returns its deliveries and its seconds."""
        cpu, wal = self._servers.cpu(), self.wal()
        count, seconds = work()
        return Cost(count / seconds, (self._servers.cpu() - cpu) / count, (self.wal() - wal) / count)

    def wal(self) -> int:
        """Return the position of the write-ahead log, in bytes."""
        [[found]] = self.database.execute("SELECT pg_current_wal_insert_lsn() - '0/0'").fetchall()
        return int(found)

    def size(self) -> int:
        """Return the bytes of the deliveries and their bodies, with indexes and TOAST."""
        [[found]] = self.database.execute(
            "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class AS c"
            " JOIN pg_namespace AS n ON n.oid = relnamespace"
            " WHERE nspname = %s AND relkind = 'r' AND relname ~ '^(body|receiver_delivery)'",
            [self.name],
        ).fetchall()
        return int(found)


def measure(
    url: str, servers: Servers, rounds: int, seconds: float, say: Callable[[str], None]
) -> list[Table]:
    """Measure both layouts in turn; return the tables."""
    layouts = [Layout(name, url, servers) for name in (TODAY, APART)]
    layouts[1].database.execute(
        "SELECT setval(pg_get_serial_sequence('receiver_delivery', 'id'), max(id)) FROM receiver_delivery"
    )
    body = delivery.push().body
    costs: dict[str, dict[str, list[Cost]]] = {}
    for number in range(rounds):
        for layout in layouts:
            for name, work in _works(layout, body, seconds).items():
                costs.setdefault(name, {}).setdefault(layout.name, []).append(layout.cost(work))
        say(f"round {number + 1}/{rounds}")
    sizes = {layout.name: layout.size() for layout in layouts}
    pruned = [_by_update(layouts[0], servers, body, url), _by_drop(layouts[1], servers, body, url)]
    return [_costs(costs, sizes), _pruning(pruned)]


def _works(layout: Layout, body: bytes, seconds: float) -> dict[str, Callable[[], tuple[int, float]]]:
    def insert() -> tuple[int, float]:
        layout.ids.clear()
        took, ends = 0.0, time.monotonic() + seconds
        while time.monotonic() < ends:
            took += layout.insert(writes.arrivals(body, BATCH))
        return len(layout.ids), took

    def update(statement: str) -> Callable[[], tuple[int, float]]:
        def work() -> tuple[int, float]:
            began = time.perf_counter()
            for first in range(0, len(layout.ids), CLAIMED):
                layout.database.execute(statement.encode(), [layout.ids[first : first + CLAIMED]])
            return len(layout.ids), time.perf_counter() - began

        return work

    return {
        "insert, batches of 32": insert,
        "claim, 100 at once": update(_CLAIM),
        "read bodies, 100 at once": update(_READ[layout.name]),
        "settle, 100 at once": update(_SETTLE),
    }


def _by_update(layout: Layout, servers: Servers, body: bytes, url: str) -> Pruned:
    """Prune the bodies of deliveries as today, with VACUUM."""
    ids = [pk for (pk,) in layout.database.execute(_OLDEST, [20 * PRUNED_AT_ONCE])]

    def work() -> int:
        for first in range(0, len(ids), PRUNED_AT_ONCE):
            portion = [ids[first : first + PRUNED_AT_ONCE]]
            layout.database.execute("UPDATE receiver_delivery SET body = NULL WHERE id = ANY(%s)", portion)
        layout.database.execute("VACUUM receiver_delivery")
        return len(ids)

    return _pruned("UPDATE in batches of 5,000, VACUUM", layout, servers, body, url, work)


def _by_drop(layout: Layout, servers: Servers, body: bytes, url: str) -> Pruned:
    """Drop the second oldest partition, which has a whole day."""
    [[name]] = layout.database.execute(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'body'::regclass"
        " ORDER BY inhrelid OFFSET 1 LIMIT 1"
    ).fetchall()
    [[count]] = layout.database.execute(f"SELECT count(*) FROM {name}".encode()).fetchall()  # noqa: S608

    def work() -> int:
        layout.database.execute(f"ALTER TABLE body DETACH PARTITION {name} CONCURRENTLY".encode())
        layout.database.execute(f"DROP TABLE {name}".encode())
        return int(count)

    return _pruned("DETACH CONCURRENTLY, DROP", layout, servers, body, url, work)


def _pruned(
    name: str, layout: Layout, servers: Servers, body: bytes, url: str, work: Callable[[], int]
) -> Pruned:
    """Do the work while another connection inserts batches, at a steady pace."""
    other, waits, ended = Layout(layout.name, url, servers), [0.0], threading.Event()

    def insert() -> None:
        while not ended.wait(0.02):
            waits.append(other.insert(writes.arrivals(body, 1)))

    thread = threading.Thread(target=insert)
    size, cpu, wal = layout.size(), servers.cpu(), layout.wal()
    thread.start()
    began = time.monotonic()
    try:
        count = work()
    finally:
        seconds = time.monotonic() - began
        ended.set()
        thread.join()
    return Pruned(
        name, count, seconds, servers.cpu() - cpu, layout.wal() - wal, size - layout.size(), max(waits)
    )


def _costs(costs: dict[str, dict[str, list[Cost]]], sizes: dict[str, int]) -> Table:
    shown = Table("", "today", "apart", "apart / today", title="bodies: medians of the rounds")
    for name, found in costs.items():
        for unit, get in _UNITS.items():
            today, apart = (median(get(one) for one in found[layout]) for layout in (TODAY, APART))
            ratio = figures.percentile(
                [get(b) / get(a) for a, b in zip(found[TODAY], found[APART], strict=True) if get(a)], 0.5
            )
            shown.add_row(f"{name}: {unit}", f"{today:,.0f}", f"{apart:,.0f}", f"{ratio:.2f}")
    mib = [sizes[name] / 2**20 for name in (TODAY, APART)]
    shown.add_row("size, MiB", *(f"{size:,.0f}" for size in mib), f"{mib[1] / mib[0]:.2f}")
    return shown


_UNITS: dict[str, Callable[[Cost], float]] = {
    "deliveries a second": lambda cost: cost.rate,
    "CPU of PostgreSQL, µs": lambda cost: cost.cpu * 1e6,
    "WAL, bytes": lambda cost: cost.wal,
}


def _pruning(pruned: list[Pruned]) -> Table:
    shown = Table(
        "bodies go by", "deliveries", "seconds", "a second", "CPU of PostgreSQL, µs", "WAL, bytes",
        "returned to the file system, MiB", "longest wait of an insert, ms", title="bodies: pruning",
    )  # fmt: skip
    for one in pruned:
        shown.add_row(
            one.name, f"{one.deliveries:,}", f"{one.seconds:.1f}", f"{one.deliveries / one.seconds:,.0f}",
            f"{one.cpu / one.deliveries * 1e6:,.0f}", f"{one.wal / one.deliveries:,.0f}",
            f"{one.returned / 2**20:,.0f}", f"{one.waited * 1e3:.0f}",
        )  # fmt: skip
    return shown
