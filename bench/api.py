"""The part `api`: list and detail over a large ledger beside DRF and plain Django views, and statistics."""

import asyncio
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from statistics import median

import aiohttp
import psycopg
from honcho.environ import parse_procfile
from rich.table import Table

from bench import contenders, cores, delivery, figures, history, ingest, processes, servers
from bench.delivery import ROOT
from bench.figures import Ratio, Target

CONNECTIONS = 8
KEY = "the key that signs the sessions of the benchmark"
EVENTS = 40
DAYS = 400
_CREATE = (
    "from api.models import Token; from api.tokens import create;"
    " Token.objects.filter(name='bench').delete(); print('token', create('bench', 'read', limit=10**7))"
)
# The aggregates of a year of forty events: one row a day for each, with thirty ranges of latencies.
_YEAR = f"""
INSERT INTO ledger_aggregate
    (grain, dimension, begin, name, received, succeeded, ignored, invalid, dead, latencies)
SELECT 'day', 'event', date_trunc('day', now()) - day * interval '1 day', 'event-' || event,
    1000, 980, 10, 5, 5, (SELECT jsonb_object_agg(place::text, 30) FROM generate_series(20, 49) AS place)
FROM generate_series(1, {DAYS}) AS day, generate_series(1, {EVENTS}) AS event;
INSERT INTO ledger_aggregateduntil (id, at) VALUES (1, date_trunc('day', now()))
ON CONFLICT (id) DO UPDATE SET at = excluded.at
"""  # noqa: S608 - our own numbers


OURS, DRF, PLAIN = "Hookkeeper", "DRF", "plain Django"
UNCACHED, CACHED = "statistics of a year, uncached", "statistics of a year, cached"
TARGETS = (
    *(
        Target(f"{what}: {OURS} / {peer}", f"{OURS}: {what}", f"{peer}: {what}", 1, 1.5)
        for what in ("list", "detail")
        for peer in (DRF, PLAIN)
    ),
    Target("statistics: cached / uncached", CACHED, UNCACHED, 20, 40),
)


@dataclass(frozen=True)
class Options:
    """Rows of the ledger, seconds of each measurement, and rounds."""

    rows: int
    seconds: float
    rounds: int


@dataclass
class Measured:
    """Requests per second and CPU seconds of the server for each, by round; seconds of each request."""

    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


@dataclass
class Result:
    """The measurements by name, and the faults."""

    cores: str
    measured: dict[str, Measured] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def ratios(self) -> list[Ratio]:
        """Return the ratios of the targets, round by round."""
        return figures.ratios({name: each.rates for name, each in self.measured.items()}, TARGETS)


def run(options: Options, say: Callable[[str], None]) -> Result:
    """Fill a ledger, and ask each server for it in alternating rounds, on the same core."""
    split = cores.split(two=True)
    result = Result(f"servers {sorted(split.contender)}, load and PostgreSQL {sorted(split.rest)}")
    with cores.on(split.rest), servers.started() as backends, ExitStack() as stack:
        receiver = contenders.hookkeeper_postgresql(backends)
        environment = {**receiver.environment, "SECRET_KEY": KEY}
        with ingest.up(receiver, backends.folder, split) as entry:
            ingest.post(entry, delivery.issue())
        said = processes.run(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", _CREATE], environment
        )
        token = said.split("token ")[1].strip()
        say(f"storing {options.rows:,} deliveries")
        first, last = _fill(receiver.database, options.rows)
        folder = backends.folder
        ours = stack.enter_context(_server(_console(), "CONSOLE_PORT", environment, folder, split))
        peers = stack.enter_context(_server(_peers(), "PORT", environment, folder, split))
        servers_of = {OURS: (ours, "/api/v1"), DRF: (peers, "/drf"), PLAIN: (peers, "/plain")}
        asked = [
            *(
                asking
                for name, (server, path) in servers_of.items()
                for asking in _deliveries(name, server, path, first, last)
            ),
            *_statistics(ours),
        ]
        for number in range(options.rounds):
            # Each round begins with another server, so that none always comes after a pause.
            turn = 2 * (number % len(servers_of))
            for asking in asked[turn:] + asked[:turn]:
                measured = result.measured.setdefault(asking.name, Measured())
                asyncio.run(asking.measure(token, options.seconds, measured, result.wrong))
                rate = measured.rates[-1]
                say(f"round {number + 1}/{options.rounds}  {asking.name:<32} {rate:10,.0f}/s")
    return result


def _fill(database: str, rows: int) -> tuple[int, int]:
    """Store deliveries and a year of aggregates; return the smallest and the largest id."""
    history.fill(database, rows)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(_YEAR.encode())
        connection.execute("VACUUM (ANALYZE) ledger_aggregate")
        found = connection.execute("SELECT min(id), max(id) FROM receiver_delivery").fetchone()
    first, last = found or (0, 0)
    return first, last


def _deliveries(name: str, server: "Server", path: str, first: int, last: int) -> Iterator["Asking"]:
    url = f"{server.url}{path}/deliveries"
    yield Asking(f"{name}: list", server, lambda: url)
    yield Asking(f"{name}: detail", server, lambda: f"{url}/{random.randint(first, last)}")  # noqa: S311


def _statistics(server: "Server") -> Iterator["Asking"]:
    url, days = f"{server.url}/api/v1/stats?step=day&by=event", _periods()
    yield Asking(UNCACHED, server, lambda: f"{url}&{next(days)}")
    yield Asking(CACHED, server, lambda: url)


def _periods() -> Iterator[str]:
    """Yield periods of about a year that nobody asked for before, so that no answer is cached."""
    for until in range(35):
        for length in range(330, 365):
            yield f"since={until + length}d&until={until}d"
    raise AssertionError("more uncached requests than there are periods")


def _console() -> str:
    return str(parse_procfile((ROOT / "Procfile").read_text()).processes["console"])


def _peers() -> str:
    return (
        f"{sys.executable} -m uvicorn bench.peers.lists.asgi:application --host 127.0.0.1 --port $PORT"
        " --lifespan off --no-access-log"
    )


@contextmanager
def _server(
    command: str, variable: str, environment: dict[str, str], folder: Path, split: cores.Cores
) -> Iterator["Server"]:
    """Run a server on the contender's core."""
    port = processes.free_port()
    changes = {**environment, "UVICORN_HOST": "127.0.0.1"}
    log = folder / f"{variable}.log"
    with processes.running(
        command, log, changes, on=split.contender, cwd=ROOT, port=port, variable=variable
    ) as process:
        yield Server(f"http://127.0.0.1:{port}", process)


@dataclass
class Server:
    """A started server."""

    url: str
    process: processes.Process


@dataclass
class Asking:
    """Asks for a URL again and again."""

    name: str
    server: Server
    place: Callable[[], str]

    async def measure(self, token: str, seconds: float, measured: Measured, wrong: list[str]) -> None:
        """Ask over `CONNECTIONS` connections for so many seconds, after a tenth of that to warm up."""
        taken: list[float] = []
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            await self._ask(session, time.monotonic() + seconds / 10, [], wrong)
            begun, cpu = time.monotonic(), self.server.process.cpu()
            await self._ask(session, begun + seconds, taken, wrong)
        measured.rates.append(len(taken) / (time.monotonic() - begun))
        measured.cpu.append((self.server.process.cpu() - cpu) / max(1, len(taken)))
        measured.seconds += taken

    async def _ask(
        self, session: aiohttp.ClientSession, until: float, taken: list[float], wrong: list[str]
    ) -> None:
        async def one() -> None:
            while (begun := time.monotonic()) < until:
                async with session.get(self.place()) as response:
                    await response.read()
                    if response.status != HTTPStatus.OK:
                        wrong.append(f"{self.name} was answered {response.status}")
                        return
                taken.append(time.monotonic() - begun)

        await asyncio.gather(*(one() for _ in range(CONNECTIONS)))


def table(result: Result) -> Table:
    """Return the table of all measurements."""
    columns = ("requests/s", "lowest to highest", "p50 ms", "p95 ms", "CPU ms")
    found = Table("", *columns, title=f"the API over {CONNECTIONS} connections: medians of the rounds")
    for name, each in sorted(result.measured.items(), key=lambda item: item[0].rpartition(": ")[2]):
        p50, p95 = (figures.percentile(each.seconds, part) * 1000 for part in (0.5, 0.95))
        found.add_row(
            name,
            f"{median(each.rates):,.0f}",
            f"{min(each.rates):,.0f} to {max(each.rates):,.0f}",
            f"{p50:.1f}",
            f"{p95:.1f}",
            f"{median(each.cpu) * 1000:.2f}",
        )
    return found
