"""The part `scale`: what a ledger of millions of deliveries costs, beside an empty one.

Two databases on one server: one empty, one filled. Receiver and worker are measured on both in turn, so that
their ratios are of the same minutes. Then the console's pages are requested, and the oldest deliveries are
pruned through all stages, each followed by VACUUM. The filled one can be kept, because filling takes long.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import psycopg
from django.db import connection
from rich.table import Table

from bench import contenders, cores, delivery, drains, figures, ingest, loading, processes, retention, workers
from bench.contenders import Contender
from bench.figures import Round
from bench.pages import Page
from bench.servers import Servers
from ledger.models import AggregatedUntil
from receiver.models import Delivery

FILLED, EMPTY = "filled", "empty"
AT_LEAST = 0.9
PAGE_REQUESTS = 3
STAGES = ("bodies", "deliveries", "keys")
# Workers prune nothing while they are measured.
_KEPT = {"KEEP_BODIES": "0", "KEEP_DELIVERIES": "0", "KEEP_KEYS": "0"}
_SIZES = """
SELECT pg_relation_size(c.oid), COALESCE(pg_total_relation_size(NULLIF(c.reltoastrelid, 0)), 0),
    pg_indexes_size(c.oid)
FROM pg_class AS c WHERE c.oid = %s::regclass
"""
_INDEXES = """
SELECT indexrelid::regclass::text, pg_relation_size(indexrelid) FROM pg_index
WHERE indrelid = 'receiver_delivery'::regclass ORDER BY 2 DESC
"""


@dataclass(frozen=True)
class Options:
    """Stored rows, rounds of receiver and worker, seconds and deliveries of one, and how many are pruned."""

    rows: int
    rounds: int
    seconds: float
    deliveries: int
    pruned: int


@dataclass
class Result:
    """The figures. Sizes are in bytes: table, TOAST with its index, and indexes."""

    rows: int
    cores: str
    receiver: dict[str, list[Round]] = field(default_factory=lambda: {EMPTY: [], FILLED: []})
    worker: dict[str, list[float]] = field(default_factory=lambda: {EMPTY: [], FILLED: []})
    sizes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    indexes: list[tuple[str, int]] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    pruned: list[retention.Point] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def ratios(self) -> dict[str, float]:
        """Return the medians of the rounds' ratios, filled to empty."""
        rates = {name: [one.rate for one in rounds] for name, rounds in self.receiver.items()}
        return {
            name: figures.percentile(
                [full / none for full, none in zip(found[FILLED], found[EMPTY], strict=True) if none], 0.5
            )
            for name, found in (("receiver", rates), ("worker", self.worker))
        }


def prepare(backends: Servers, url: str, rows: int, say: Callable[[str], None]) -> Contender:
    """Return the receiver on the database at `url`, which is filled first unless it was kept."""
    receiver = contenders.hookkeeper(backends, FILLED, url, "PostgreSQL, fsync")
    with psycopg.connect(url, autocommit=True) as database:
        estimated = database.execute(
            "SELECT reltuples FROM pg_class WHERE oid = 'receiver_delivery'::regclass"
        ).fetchall()[0][0]
    if estimated < rows // 2:
        split = cores.split(two=True)
        with ingest.up(receiver, backends.folder, split) as entry:
            ingest.post(entry, delivery.issue())
        say(f"storing {rows:,} deliveries")
        began = time.monotonic()
        loading.fill(url, rows)
        say(f"stored in {time.monotonic() - began:.0f} s")
    return receiver


def run(options: Options, backends: Servers, filled: Contender, say: Callable[[str], None]) -> Result:
    """Measure an empty and the filled ledger, which is Django's database too; then prune a part of it."""
    split = cores.split(two=True)
    result = Result(options.rows, str(split))
    with psycopg.connect(filled.database, autocommit=True) as database:
        for table in loading.TABLES:
            result.sizes[table] = database.execute(_SIZES, [table]).fetchall()[0]
        result.indexes = database.execute(_INDEXES).fetchall()
    empty = contenders.hookkeeper(backends, EMPTY, backends.create_database(EMPTY), "PostgreSQL, fsync")
    both = {EMPTY: empty, FILLED: filled}
    if options.seconds:
        _receivers(options, both, result, split, backends, say)
    if options.deliveries:
        _workers(options, both, result, split, backends, say)
    environment = {**filled.environment, "SECRET_KEY": "the key that signs the sessions of the benchmark"}
    said = processes.run([sys.executable, "-m", "bench.pages", str(PAGE_REQUESTS)], environment)
    result.pages = [Page(**json.loads(line)) for line in said.splitlines() if line.startswith("{")]
    say(f"{len(result.pages)} pages asked for {PAGE_REQUESTS} times")
    if options.pruned:
        result.pruned = list(_pruned(options.pruned, filled.database, say))
    return result


def _receivers(
    options: Options,
    both: dict[str, Contender],
    result: Result,
    split: cores.Cores,
    backends: Servers,
    say: Callable[[str], None],
) -> None:
    chosen = ingest.Options(options.seconds, 32, options.rounds, 0, (), delivery.ROOT)
    with (
        ingest.up(both[EMPTY], backends.folder, split) as empty,
        ingest.up(both[FILLED], backends.folder, split) as filled,
    ):
        for number in range(options.rounds):
            for name, entry in (EMPTY, empty), (FILLED, filled):
                backends.flush_redis()
                found, wrong = ingest.measure(entry, chosen, split, backends)
                result.receiver[name].append(found)
                result.wrong += [f"receiver, {name}: {what}" for what in wrong]
                say(f"round {number + 1}/{options.rounds}  receiver, {name:<8} {found.rate:10,.0f}/s")
    backends.flush_redis()


def _workers(
    options: Options,
    both: dict[str, Contender],
    result: Result,
    split: cores.Cores,
    backends: Servers,
    say: Callable[[str], None],
) -> None:
    """Measure backlogs. What the rounds of the receiver left open is deleted first."""
    for contender in both.values():
        with psycopg.connect(contender.database, autocommit=True) as database:
            database.execute("DELETE FROM receiver_delivery WHERE finished_at IS NULL")
            database.execute("VACUUM receiver_delivery")
    count = drains.whole(options.deliveries)
    with psycopg.connect(both[FILLED].database) as database:
        [[stored]] = database.execute("SELECT max(id) FROM receiver_delivery").fetchall()
    # Numbers of the workload that no earlier run on a kept database has used.
    first = drains.whole(stored)
    for number in range(options.rounds):
        for name, contender in both.items():
            worker = workers.hookkeeper(contender, **_KEPT)
            with (
                _django_on(contender.database),
                drains.up(worker, split.contender, backends.folder) as process,
            ):
                warm = drains.whole(count / drains.WARM_UP)
                worker.backlog.fill(first, warm)
                if drains.wait(worker, [process]).left:
                    raise processes.ContenderError(f"not ready for work: {process.tail()}")
                process.pause()
                worker.backlog.fill(first + warm, count)
                began = time.time()
                process.resume()
                ended = drains.wait(worker, [process])
            rate = (count - ended.left) / (ended.at - began)
            result.worker[name].append(rate)
            if ended.left:
                result.wrong.append(f"worker, {name}: {ended.left} of {count} were not done")
            say(f"round {number + 1}/{options.rounds}  worker, {name:<8} {rate:10,.0f}/s")
        first += count + warm


@contextmanager
def _django_on(url: str) -> Iterator[None]:
    """Let Django's connection, whose parameters the receiver's writer has, lead to this database."""
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = urlsplit(url).path.removeprefix("/")
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


def _pruned(count: int, url: str, say: Callable[[str], None]) -> Iterator[retention.Point]:
    """Prune about so many of the oldest deliveries through all stages; yield each stage and each VACUUM."""
    settled = Delivery.objects.filter(finished_at__isnull=False).order_by("finished_at")
    before = settled.values_list("finished_at", flat=True)[count : count + 1].first()
    if before is None:
        raise ValueError(f"fewer than {count:,} deliveries are settled")
    AggregatedUntil.objects.update(at=before)
    with psycopg.connect(url, autocommit=True) as database:

        def point(name: str, done: int, seconds: float, longest: float = 0.0) -> retention.Point:
            say(f"{name}: {done:,} in {seconds:.1f} s")
            sizes = (sum(database.execute(_SIZES, ["receiver_delivery"]).fetchall()[0]),)
            return retention.Point(name, 0, sizes, done, seconds, longest)

        for stage in STAGES:
            yield point(f"{stage} pruned", *retention.prune(stage, before))
            began = time.monotonic()
            database.execute("VACUUM receiver_delivery, receiver_handlerrun")
            yield point("VACUUM", 0, time.monotonic() - began)


def tables(result: Result) -> Sequence[Table | str]:
    """Return what the terminal shows."""
    rates = Table(
        "measure", "empty", f"{result.rows:,} rows", "ratio", "", title="scale: medians of the rounds"
    )
    ratios = result.ratios()

    def row(name: str, unit: str, empty: float, full: float) -> None:
        ratio = ratios.get(name, full / empty)
        verdict = ("met" if ratio >= AT_LEAST else "not met") if name in ratios else ""
        rates.add_row(f"{name}, {unit}", f"{empty:,.0f}", f"{full:,.0f}", f"{ratio:.2f}", verdict)

    if result.receiver[FILLED]:
        none, many = (figures.middle(result.receiver[name]) for name in (EMPTY, FILLED))
        row("receiver", "deliveries a second", none.rate, many.rate)
        row("CPU of the receiver", "µs a delivery", none.cpu * 1e6, many.cpu * 1e6)
        row("CPU of PostgreSQL", "µs a delivery", none.backend_cpu * 1e6, many.backend_cpu * 1e6)
    if result.worker[FILLED]:
        none_, many_ = (figures.percentile(result.worker[name], 0.5) for name in (EMPTY, FILLED))
        row("worker", "deliveries a second", none_, many_)
    sizes = Table("", "MiB", "bytes a delivery", title="scale: space")
    for name, found in result.sizes.items():
        for part, size in zip(("table", "TOAST", "indexes"), found, strict=True):
            sizes.add_row(f"{name}, {part}", f"{size / 2**20:,.0f}", f"{size / result.rows:,.0f}")
    for name, size in result.indexes:
        sizes.add_row(f"  {name}", f"{size / 2**20:,.0f}", f"{size / result.rows:,.0f}")
    slow = Table("page", "p50 ms", "statements", title="scale: the five slowest pages of the console")
    pages = sorted(result.pages, key=lambda page: figures.percentile(page.seconds, 0.5), reverse=True)
    for page in pages[:5]:
        slow.add_row(page.name, f"{figures.percentile(page.seconds, 0.5) * 1e3:.0f}", str(page.statements))
    pruned = Table(
        "step", "deliveries", "a second", "times 5 million a day", "seconds", "longest transaction, ms",
        "table, TOAST and indexes, MiB", title="scale: pruning of the oldest deliveries",
    )  # fmt: skip
    for step in result.pruned:
        rate = step.done / step.seconds if step.done else 0.0
        pruned.add_row(
            step.name,
            f"{step.done:,}" if step.done else "",
            f"{rate:,.0f}" if rate else "",
            f"{rate * retention.SECONDS_OF_A_DAY / retention.A_DAY:.0f}" if rate else "",
            f"{step.seconds:.1f}",
            f"{step.longest * 1000:.0f}" if rate else "",
            f"{step.sizes[0] / 2**20:,.0f}",
        )
    return rates, sizes, slow, pruned, f"cores: {result.cores}"
