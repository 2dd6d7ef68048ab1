"""The part `api`: list and detail over a large ledger beside DRF and plain Django views, and statistics."""

import asyncio
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import psycopg
from honcho.environ import parse_procfile
from rich.table import Table

from bench import contenders, cores, delivery, figures, history, ingest, processes, servers
from bench.delivery import ROOT

CONNECTIONS = 8
KEY = "the key that signs the sessions of the benchmark"
# Cached statistics answer at least so many times as often as uncached ones.
CACHED_SHARE = 20.0
EVENTS = 40
DAYS = 400
_CREATE = (
    "from api.models import Token; from api.tokens import create;"
    " Token.objects.filter(name='bench').delete(); print('token', create('bench', 'read', limit=10**7))"
)
# What a year of forty events leaves behind: one row a day for each, with thirty ranges of latencies.
_YEAR = f"""
INSERT INTO ledger_aggregate
    (grain, dimension, begin, name, received, succeeded, ignored, invalid, dead, latencies)
SELECT 'day', 'event', date_trunc('day', now()) - day * interval '1 day', 'event-' || event,
    1000, 980, 10, 5, 5, (SELECT jsonb_object_agg(place::text, 30) FROM generate_series(20, 49) AS place)
FROM generate_series(1, {DAYS}) AS day, generate_series(1, {EVENTS}) AS event;
INSERT INTO ledger_aggregateduntil (id, at) VALUES (1, date_trunc('day', now()))
ON CONFLICT (id) DO UPDATE SET at = excluded.at
"""  # noqa: S608 - our own numbers


@dataclass(frozen=True)
class Options:
    """Rows of the ledger, and seconds of each measurement."""

    rows: int
    seconds: float


@dataclass
class Measured:
    """The seconds of each request, and how many there were in a second."""

    name: str
    rate: float
    seconds: list[float]


@dataclass
class Result:
    """What was measured, and what went wrong."""

    cores: str
    measured: list[Measured] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def rate(self, name: str) -> float:
        """Return the requests per second of a measurement."""
        return next(each.rate for each in self.measured if each.name == name)


def run(options: Options, say: Callable[[str], None]) -> Result:
    """Fill a ledger, and ask each server for it, one after the other on the same core."""
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
        history.fill(receiver.database, options.rows)
        with psycopg.connect(receiver.database, autocommit=True) as connection:
            connection.execute(_YEAR.encode())
            connection.execute("VACUUM (ANALYZE) ledger_aggregate")
            first, last = connection.execute("SELECT min(id), max(id) FROM receiver_delivery").fetchone() or (
                0,
                0,
            )
        folder = backends.folder
        ours = stack.enter_context(_server(_console(), "CONSOLE_PORT", environment, folder, split))
        peers = stack.enter_context(_server(_peers(), "PORT", environment, folder, split))
        for name, base in (
            ("Hookkeeper", f"{ours}/api/v1"), ("DRF", f"{peers}/drf"), ("plain Django", f"{peers}/plain"),
        ):  # fmt: skip
            lists = Asking(f"{name}: list", token, lambda at=base: f"{at}/deliveries")  # type: ignore[misc]
            one = Asking(
                f"{name}: detail",
                token,
                lambda at=base: f"{at}/deliveries/{random.randint(first, last)}",  # type: ignore[misc] # noqa: S311
            )
            for asking in (lists, one):
                result.measured.append(asyncio.run(asking.measure(options.seconds, result.wrong)))
                say(f"{asking.name}: {result.measured[-1].rate:,.0f}/s")
        days = _periods()
        for name, place in (
            ("uncached", lambda: f"{ours}/api/v1/stats?step=day&by=event&{next(days)}"),
            ("cached", lambda: f"{ours}/api/v1/stats?step=day&by=event"),
        ):
            asking = Asking(f"statistics of a year, {name}", token, place)
            result.measured.append(asyncio.run(asking.measure(options.seconds, result.wrong)))
            say(f"{asking.name}: {result.measured[-1].rate:,.0f}/s")
    return result


def _periods() -> Iterator[str]:
    """Yield periods of about a year that nobody asked for before, so that no answer is cached."""
    for until in range(20):
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
) -> Iterator[str]:
    """Run a server on the contender's core; yield its URL."""
    port = processes.free_port()
    changes = {**environment, "UVICORN_HOST": "127.0.0.1"}
    log = folder / f"{variable}.log"
    with processes.running(command, log, changes, on=split.contender, cwd=ROOT, port=port, variable=variable):
        yield f"http://127.0.0.1:{port}"


@dataclass
class Asking:
    """Asks for a URL again and again."""

    name: str
    token: str
    place: Callable[[], str]

    async def measure(self, seconds: float, wrong: list[str]) -> Measured:
        """Ask over `CONNECTIONS` connections for so many seconds, after a tenth of that to warm up."""
        taken: list[float] = []
        headers = {"Authorization": f"Bearer {self.token}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            await self._ask(session, time.monotonic() + seconds / 10, [], wrong)
            begun = time.monotonic()
            await self._ask(session, begun + seconds, taken, wrong)
        return Measured(self.name, len(taken) / (time.monotonic() - begun), taken)

    async def _ask(
        self, session: aiohttp.ClientSession, until: float, taken: list[float], wrong: list[str]
    ) -> None:
        async def one() -> None:
            while (begun := time.monotonic()) < until:
                async with session.get(self.place()) as response:
                    await response.read()
                    if response.status != 200:
                        wrong.append(f"{self.name} was answered {response.status}")
                        return
                taken.append(time.monotonic() - begun)

        await asyncio.gather(*(one() for _ in range(CONNECTIONS)))


def table(result: Result) -> Table:
    """Return the table of all measurements."""
    found = Table("", "requests/s", "p50 ms", "p95 ms", title=f"the API over {CONNECTIONS} connections")
    for each in result.measured:
        p50, p95 = (figures.percentile(each.seconds, part) * 1000 for part in (0.5, 0.95))
        found.add_row(each.name, f"{each.rate:,.0f}", f"{p50:.1f}", f"{p95:.1f}")
    return found


def cached_share(result: Result) -> float:
    """Return how many times as often the statistics answer from the cache."""
    return result.rate("statistics of a year, cached") / result.rate("statistics of a year, uncached")
