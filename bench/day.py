"""The part `day`: a day of traffic in minutes, with pruning on. Its rate must hold, its size become constant.

A receiver and a worker take the same push again and again, each with a new guid, so that only the ledger
grows and no record. The times of retention are fractions of the run; the bench asks for pruning as often as a
worker does each day, in this time. Workers count a minute in the statistics up to two minutes after it
began, and prune no delivery before, so a run of less than five minutes does not reach its constant size.
Autovacuum comes as often as the pruning does, with the thresholds of docs/how-to/retention.md.
"""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg
import uvloop
from rich.table import Table

from bench import contenders, cores, delivery, drains, figures, ingest, load, workers
from bench.servers import Servers
from ledger import operations
from ledger.models import OPEN, Kind, Operation

# Shares of the run: what is kept, the interval of pruning, and of a row of the report.
KEPT = {"bodies": 1 / 20, "deliveries": 1 / 10, "keys": 1 / 5}
PRUNED_EVERY = 1 / 60
REPORTED_EVERY = 1 / 20
AT_LEAST = 0.95
# The largest size of the last quarter, over that of the quarter before.
GROWTH = 1.05
BURST = 0.25  # seconds
CONNECTIONS = 16
# Open deliveries at which the load waits, so that it follows the worker.
MAX_OPEN = 1_000
_SETTINGS = (
    "ALTER TABLE receiver_delivery SET (autovacuum_vacuum_scale_factor = 0.02)",
    "ALTER TABLE receiver_delivery SET (toast.autovacuum_vacuum_scale_factor = 0.02)",
    "ALTER TABLE receiver_handlerrun SET (autovacuum_vacuum_scale_factor = 0.02)",
    "ALTER SYSTEM SET autovacuum_naptime = '5s'",
    "SELECT pg_reload_conf()",
)
_OPEN = "SELECT count(*) FROM receiver_delivery WHERE finished_at IS NULL"
_STATE = """
SELECT pg_database_size(current_database()), (SELECT count(*) FROM receiver_delivery),
    (SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'receiver_delivery'),
    (SELECT COALESCE(sum(done), 0) FROM ledger_operation)
"""
_LATENCY = """
SELECT COALESCE(percentile_disc(0.99) WITHIN GROUP (ORDER BY finished_at - received_at), interval '0')
FROM receiver_delivery WHERE finished_at > clock_timestamp() - make_interval(secs => %s)
"""


@dataclass(frozen=True)
class Options:
    """Seconds of the run, and deliveries a second; 0 sends as many as the worker settles."""

    seconds: float
    rate: float


@dataclass(frozen=True)
class Interval:
    """A part of the run: its end in seconds, deliveries, and the state of the database at its end."""

    end: float
    seconds: float
    settled: int
    answer_p99: float
    settled_p99: float
    pruned: int
    size: int
    rows: int
    dead: int

    @property
    def rate(self) -> float:
        """Return the settled deliveries of a second."""
        return self.settled / self.seconds


@dataclass
class Result:
    """The intervals of a run; `wrong` is empty if every delivery was accepted and settled."""

    cores: str
    intervals: list[Interval] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def _part(self, first: float, last: float) -> list[Interval]:
        count = len(self.intervals)
        return self.intervals[int(first * count) : int(last * count)]

    def rates(self) -> tuple[float, float]:
        """Return the medians of the first and of the last fifth; the very first interval warms up."""
        parts = self._part(0, 0.2)[1:], self._part(0.8, 1)
        first, last = (figures.percentile([one.rate for one in part], 0.5) for part in parts)
        return first, last

    def growth(self) -> float:
        """Return the largest size of the last quarter over that of the one before; nan if one is empty."""
        before, after = (
            max((one.size for one in self._part(*quarter)), default=math.nan)
            for quarter in ((0.5, 0.75), (0.75, 1))
        )
        return after / before


def run(options: Options, backends: Servers, url: str, say: Callable[[str], None]) -> Result:
    """Run the day on the empty database at `url`, which is Django's too."""
    split = cores.split(two=True)
    result = Result(str(split))
    receiver = contenders.hookkeeper(backends, "day", url, "PostgreSQL, fsync")
    worker = workers.hookkeeper(receiver, KEEP_BODIES="0", KEEP_DELIVERIES="0", KEEP_KEYS="0")
    with psycopg.connect(url, autocommit=True) as database:
        for statement in _SETTINGS:
            database.execute(statement.encode())
        with (
            ingest.up(receiver, backends.folder, split) as entry,
            drains.up(worker, split.second or split.contender, backends.folder) as process,
        ):
            traffic = Traffic(entry.port, options, database)
            began = time.monotonic()
            prune = _pruning(options)
            while (now := time.monotonic() - began) < options.seconds:
                settled, latencies = traffic.settled(), list[float]()
                end = now + options.seconds * REPORTED_EVERY
                while time.monotonic() - began < end:
                    latencies += traffic.burst()
                    prune()
                process.check()
                seconds = time.monotonic() - began - now
                [state] = database.execute(_STATE).fetchall()
                [[late]] = database.execute(_LATENCY, [seconds]).fetchall()
                size, rows, dead, done = map(int, state)
                one = Interval(
                    now + seconds, seconds, traffic.settled() - settled,
                    figures.percentile(latencies, 0.99), late.total_seconds(), done, size, rows, dead,
                )  # fmt: skip
                result.intervals.append(one)
                say(f"{one.end:6.0f} s  {one.rate:8,.0f}/s  {one.size / 2**20:8,.0f} MiB  {rows:,} rows")
            traffic.finish()
        result.wrong = traffic.wrong
        _check(database, result)
    return result


class Traffic:
    """Sends in bursts, no faster than asked for and no faster than the worker settles."""

    def __init__(self, port: int, options: Options, database: psycopg.Connection) -> None:
        self._port, self._rate, self._database = port, options.rate, database
        self._push = delivery.push()
        self._began = time.monotonic()
        self._accepted = 0
        self.wrong: list[str] = []

    def burst(self) -> list[float]:
        """Send for a quarter of a second once the load permits; return the seconds of each answer."""
        while self._open() > MAX_OPEN or (
            self._rate and self._accepted > self._rate * (time.monotonic() - self._began)
        ):
            time.sleep(0.01)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            outcome = runner.run(
                load.fire(
                    self._port,
                    "/webhooks/github",
                    self._push.headers,
                    self._push.body,
                    connections=CONNECTIONS,
                    seconds=BURST,
                )
            )
        self._accepted += outcome.accepted
        if outcome.failed:
            self.wrong.append(f"{outcome.failed} requests got no 2xx: {dict(outcome.statuses)}")
        return outcome.latencies

    def settled(self) -> int:
        """Return how many deliveries were settled since the start."""
        return self._accepted - self._open()

    def finish(self) -> None:
        """Wait until everything is settled."""
        deadline = time.monotonic() + drains.ENDS_WITHIN
        while self._open() and time.monotonic() < deadline:
            time.sleep(0.1)
        if left := self._open():
            self.wrong.append(f"{left} deliveries were not settled within {drains.ENDS_WITHIN:g} s")

    def _open(self) -> int:
        return int(self._database.execute(_OPEN).fetchall()[0][0])


def _pruning(options: Options) -> Callable[[], None]:
    """Return a function that asks for pruning when it is due and the last one has ended."""
    days = {name: options.seconds * share / 86_400 for name, share in KEPT.items()}
    next_at = time.monotonic()

    def prune() -> None:
        nonlocal next_at
        if time.monotonic() < next_at or Operation.objects.filter(OPEN).exists():
            return
        operations.create(Kind.PRUNE, days, "bench")
        next_at = time.monotonic() + options.seconds * PRUNED_EVERY

    return prune


def _check(database: psycopg.Connection, result: Result) -> None:
    """Note what did not succeed."""
    found = database.execute("SELECT status, count(*) FROM receiver_delivery GROUP BY 1").fetchall()
    statuses = {str(status): int(count) for status, count in found}
    if set(statuses) != {"succeeded"}:
        result.wrong.append(f"deliveries ended as {statuses}")


def table(result: Result) -> Table:
    """Return the intervals."""
    shown = Table(
        "until, s", "settled a second", "p99 of an answer, ms", "p99 until settled, ms", "pruned so far",
        "database, MiB", "rows", "dead rows", title="day: a worker, a receiver, and pruning",
    )  # fmt: skip
    for one in result.intervals:
        shown.add_row(
            f"{one.end:.0f}", f"{one.rate:,.0f}", f"{one.answer_p99 * 1e3:.0f}",
            f"{one.settled_p99 * 1e3:.0f}", f"{one.pruned:,}", f"{one.size / 2**20:,.0f}", f"{one.rows:,}",
            f"{one.dead:,}",
        )  # fmt: skip
    first, last = result.rates()
    kept = last / first if first else math.nan
    growth = result.growth()
    verdicts = (
        ("rate at the end / at the start", kept, f"at least {AT_LEAST}", kept >= AT_LEAST),
        ("size of the last quarter / the one before", growth, f"at most {GROWTH}", growth <= GROWTH),
    )
    lines = [
        f"{name}: {ratio:.3f}, {goal}: {'met' if met else 'not met'}" for name, ratio, goal, met in verdicts
    ]
    lines.append(f"cores: {result.cores}")
    shown.caption, shown.caption_justify = "\n".join(lines), "left"
    return shown
