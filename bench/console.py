"""The part `console`: its pages over a large ledger, and what ten people who watch it cost the receiver."""

import asyncio
import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

import aiohttp
from honcho.environ import parse_procfile
from rich.table import Table

from bench import contenders, cores, delivery, figures, history, ingest, processes, servers
from bench.delivery import ROOT
from bench.pages import Page

MAX_STATEMENTS = 10
MAX_SECONDS = 0.1
SHARE = 0.95
NAME = "watcher"
BROWSERS = 10
# Seconds between the refreshes of one page: see console/templates/console/deliveries_rows.html.
REFRESH = 5.0
PASSWORD = "of the benchmark alone"  # noqa: S105 - for a server on the loopback
KEY = "the key that signs the sessions of the benchmark"
_ACCOUNT = f"""
from django.contrib.auth.models import Group, User
user, _ = User.objects.get_or_create(username={NAME!r})
user.set_password({PASSWORD!r}); user.save(); user.groups.add(Group.objects.get(name="operator"))
"""


@dataclass(frozen=True)
class Options:
    """Rows of the ledger, requests of each page, and seconds and rounds of the receiver's measurement."""

    rows: int
    requests: int
    seconds: float
    rounds: int


@dataclass
class Result:
    """The pages, and the receiver's rates without and with people who watch."""

    cores: str
    pages: list[Page] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)
    watched: list[float] = field(default_factory=list)
    refreshes: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """The median of the rounds' ratios."""
        return figures.percentile([b / a for a, b in zip(self.alone, self.watched, strict=True)], 0.5)


def run(options: Options, say: Callable[[str], None]) -> Result:
    """Fill a ledger, measure its pages, and then the receiver alone and while browsers refresh."""
    split = cores.split(two=True)
    result = Result(
        f"receiver {sorted(split.contender)}, console {sorted(_consoles(split))}, load and PostgreSQL"
        f" {sorted(split.rest)}"
    )
    with cores.on(split.rest), servers.started() as backends, ExitStack() as stack:
        receiver = contenders.hookkeeper_postgresql(backends)
        environment = {**receiver.environment, "SECRET_KEY": KEY}
        processes.run([sys.executable, "manage.py", "shell", "--no-imports", "-c", _ACCOUNT], environment)
        entry = stack.enter_context(ingest.up(receiver, backends.folder, split))
        say(f"storing {options.rows:,} deliveries")
        ingest.post(entry, delivery.issue())
        history.fill(receiver.database, options.rows)
        say(f"asking for every page {options.requests} times")
        with cores.on(_consoles(split)):
            output = processes.run([sys.executable, "-m", "bench.pages", str(options.requests)], environment)
        result.pages = [Page(**json.loads(line)) for line in output.splitlines() if line.startswith("{")]
        console = stack.enter_context(_console(environment, backends, split))
        chosen = ingest.Options(options.seconds, 32, options.rounds, 0, (), ROOT)
        for _ in range(options.rounds):
            found, wrong = ingest.measure(entry, chosen, split, backends)
            result.alone.append(found.rate)
            with _browsers(console) as browsers:
                again, more = ingest.measure(entry, chosen, split, backends)
            result.watched.append(again.rate)
            result.refreshes += browsers.refreshes
            result.wrong += [*wrong, *more, *browsers.wrong]
            say(f"receiver: {found.rate:,.0f}/s alone, {again.rate:,.0f}/s with {BROWSERS} browsers")
    return result


def _consoles(split: cores.Cores) -> frozenset[int]:
    """Return the console's core: one of its own, or that of PostgreSQL where there are fewer than three."""
    return split.rest if split.halves else split.second


@contextmanager
def _console(environment: dict[str, str], backends: servers.Servers, split: cores.Cores) -> Iterator[str]:
    command = parse_procfile((ROOT / "Procfile").read_text()).processes["console"]
    port = processes.free_port()
    log = backends.folder / "console.log"
    on = _consoles(split)
    with processes.running(command, log, environment, on=on, cwd=ROOT, port=port, variable="CONSOLE_PORT"):
        yield f"http://127.0.0.1:{port}"


class Browsers:
    """Ten sessions, each with an open list or overview that refreshes as its page does."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.refreshes = 0
        self.wrong: list[str] = []

    async def watch(self, ready: Callable[[], object], until: asyncio.Event) -> None:
        """Sign in once for all, and call `ready`; then refresh until the event, each at its own moment.

        Ten sign-ins would measure the hashing of passwords.
        """
        # Otherwise aiohttp keeps no cookie of an address.
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(self._url, cookie_jar=jar) as session:
            async with session.get("/sign-in") as response:
                await response.read()
                token = response.cookies["hookkeeper_csrf"].value
            form = {"name": NAME, "password": PASSWORD, "csrfmiddlewaretoken": token}
            async with session.post("/sign-in", data=form, allow_redirects=False) as response:
                await response.read()
                if response.status != HTTPStatus.FOUND:
                    self.wrong.append(f"the sign-in was answered {response.status}")
            ready()
            await asyncio.gather(*(self._one(number, session, until) for number in range(BROWSERS)))

    async def _one(self, number: int, session: aiohttp.ClientSession, until: asyncio.Event) -> None:
        path = "/" if number % 2 else "/deliveries"
        pause = REFRESH * number / BROWSERS
        while not await _set_within(until, pause):
            async with session.get(path, headers={"HX-Request": "true"}) as response:
                text = await response.text()
                if response.status != HTTPStatus.OK or "hx-get" not in text:
                    self.wrong.append(f"a refresh of {path} was answered {response.status}")
            self.refreshes += 1
            pause = REFRESH


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for the event, so long at most; return whether it is set."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


@contextmanager
def _browsers(url: str) -> Iterator[Browsers]:
    """Run the browsers in a thread; the load generator has the loop of this one."""
    browsers, signed_in = Browsers(url), threading.Event()
    loop = asyncio.new_event_loop()
    until = asyncio.Event()

    def work() -> None:
        try:
            loop.run_until_complete(browsers.watch(signed_in.set, until))
        except aiohttp.ClientError as error:
            browsers.wrong.append(f"the console did not answer: {error!r}")
        finally:
            signed_in.set()

    thread = threading.Thread(target=work)
    thread.start()
    signed_in.wait()
    try:
        yield browsers
    finally:
        loop.call_soon_threadsafe(until.set)
        thread.join()
        loop.close()


def pages(result: Result) -> Table:
    """Return the table of pages."""
    table = Table("page", "p50 ms", "p95 ms", "statements", "", title="the console's pages")
    for page in result.pages:
        p50, p95 = (figures.percentile(page.seconds, part) for part in (0.5, 0.95))
        met = p95 < MAX_SECONDS and page.statements <= MAX_STATEMENTS
        table.add_row(
            page.name,
            f"{p50 * 1000:.0f}",
            f"{p95 * 1000:.0f}",
            str(page.statements),
            "met" if met else "not met",
        )
    return table
