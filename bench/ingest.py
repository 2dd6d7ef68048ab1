"""The part `ingest`: measures all contenders in short, alternating rounds."""

import asyncio
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import uvloop

from bench import contenders, cores, delivery, figures, load, processes, rows, servers
from bench.contenders import Contender
from bench.figures import Round

WARM_UP = 0.5  # seconds, before each round


@dataclass(frozen=True)
class Options:
    """The options of a run; an empty `only` selects all contenders."""

    seconds: float
    connections: int
    rounds: int
    rows: int
    only: tuple[str, ...]
    probot: Path


@dataclass
class Result:
    """The results of a run; `wrong` is empty if every request got a 2xx and every 2xx is a row."""

    options: Options
    machine: dict[str, object]
    keeps: dict[str, str] = field(default_factory=dict)
    rounds: dict[str, list[Round]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


@dataclass
class Entry:
    """A started contender."""

    contender: Contender
    process: processes.Process
    port: int


def run(options: Options, say: Callable[[str], None], machine: dict[str, object]) -> Result:
    """Start the servers and the contenders, measure, and stop everything; `say` receives the progress."""
    split = cores.split()
    result = Result(options, {**machine, "cores": str(split)})
    with cores.on(split.rest), servers.started() as backends, ExitStack() as stack:
        result.machine["postgresql"] = backends.settings()
        entries = []
        for name, prepare in contenders.all_contenders(options.probot).items():
            if options.only and name not in options.only:
                continue
            say(f"starting {name}")
            try:
                contender = prepare(backends)
            except contenders.NotInstalledError as error:
                result.missing[name] = str(error)
                continue
            entry = stack.enter_context(up(contender, backends.folder, split))
            if name == "hookkeeper-filled":
                say(f"storing {options.rows:,} rows")
                post(entry, delivery.issue())
                rows.fill(contender.database, contender.table, options.rows)
            result.keeps[name] = contender.keeps
            result.machine |= {name: contender.version} if contender.version else {}
            entries.append(entry)
        for number in range(1, options.rounds + 1):
            for entry in entries:
                name = entry.contender.name
                backends.flush_redis()
                found, wrong = measure(entry, options, split, backends)
                result.rounds.setdefault(name, []).append(found)
                result.wrong += [f"{name}, round {number}: {what}" for what in wrong]
                say(f"round {number}/{options.rounds}  {name:<24} {found.rate:10,.0f}/s")
    return result


def measure(
    entry: Entry, options: Options, split: cores.Cores, backends: servers.Servers
) -> tuple[Round, list[str]]:
    """Run one round of one contender; return its figures and the errors."""
    contender = entry.contender
    before = _rows(contender)
    warm = _fire(entry, options.connections, min(WARM_UP, options.seconds))
    cpu, backend_cpu, rest = entry.process.cpu(), backends.cpu(), cores.busy(split.rest)
    outcome = _fire(entry, options.connections, options.seconds)
    rest = cores.busy(split.rest) - rest
    cpu, backend_cpu = entry.process.cpu() - cpu, backends.cpu() - backend_cpu
    wrong = [
        f"{one.failed} requests got no 2xx:"
        f" {dict(one.statuses)}, {one.lost} lost, {one.unanswered} unanswered"
        for one in (warm, outcome)
        if one.failed
    ]
    if not outcome.accepted:
        wrong.append("no request got a 2xx")
    accepted, stored = warm.accepted + outcome.accepted, _rows(contender) - before
    if contender.table and accepted != stored:
        wrong.append(f"{accepted} requests got a 2xx, and {stored} rows were stored")
    found = Round(
        rate=outcome.accepted / outcome.seconds,
        p50=figures.percentile(outcome.latencies, 0.5),
        p99=figures.percentile(outcome.latencies, 0.99),
        cpu=cpu / max(1, outcome.accepted),
        backend_cpu=backend_cpu / max(1, outcome.accepted),
        peak_memory=entry.process.peak_memory(),
        load_share=outcome.own_cpu / outcome.seconds,
        rest_busy=rest / outcome.seconds / max(1, len(split.rest)),
    )
    return found, wrong


@contextmanager
def up(contender: Contender, folder: Path, split: cores.Cores) -> Iterator[Entry]:
    """Run a contender until the context ends."""
    port, log = processes.free_port(), folder / f"{contender.name}.log"
    with processes.running(
        contender.command, log, contender.environment, on=split.contender, cwd=contender.cwd, port=port
    ) as process:
        yield Entry(contender, process, port)


def _fire(entry: Entry, connections: int, seconds: float) -> load.Outcome:
    sent = entry.contender.sent()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(
            load.fire(
                entry.port,
                entry.contender.path,
                sent.headers,
                sent.body,
                connections=connections,
                seconds=seconds,
            )
        )


def post(entry: Entry, sent: delivery.Delivery) -> None:
    """Send one delivery; raise an error unless it is accepted."""
    url = f"http://127.0.0.1:{entry.port}{entry.contender.path}"
    headers = {**sent.headers, "X-GitHub-Delivery": str(uuid4())}
    with urllib.request.urlopen(urllib.request.Request(url, sent.body, headers), timeout=15):
        pass


def _rows(contender: Contender) -> int:
    return servers.count(contender.database, contender.table) if contender.table else 0
