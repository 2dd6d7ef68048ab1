"""Which workers take part: how each is made ready and started, and what backlog lies before it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from honcho.environ import parse_procfile

from bench import contenders
from bench.backlogs import Backlog, Empty, Hookkeeper, Textbook
from bench.contenders import Contender
from bench.cores import Cores
from bench.delivery import ROOT
from bench.processes import ContenderError
from bench.servers import Servers

HALF = "hookkeeper-half"
# Only where it is named: the other way that docs/decisions/0025 compares.
ARQ = "hookkeeper-arq"
ARQ_POLL = "0.01"  # seconds


@dataclass(frozen=True)
class Worker:
    """A shell command that works off a backlog."""

    name: str
    does: str
    command: str
    environment: Mapping[str, str]
    backlog: Backlog
    share: int = 1
    """It gets one of so many `--deliveries`, so that everybody's rounds last about alike."""
    processes: int = 1
    halved: bool = False
    """It shares its core with a process that burns CPU, and so has half of it."""


def hookkeeper(receiver: Contender) -> Worker:
    """The Procfile's `worker:` line, on the receiver's database."""
    command = parse_procfile((ROOT / "Procfile").read_text()).processes["worker"]
    backlog = Hookkeeper(receiver.database)
    return Worker("hookkeeper", "records, ledger", command, receiver.environment, backlog)


def looking_rarely(worker: Worker) -> Worker:
    """The same with arq's default `poll_delay`."""
    command = "arq bench.peers.default_poll.WorkerSettings"
    return replace(worker, name="hookkeeper, arq's poll_delay", command=command)


def woken_by_arq(receiver: Contender) -> Worker:
    """The same with its wake-ups run by arq, which looks every `ARQ_POLL` seconds."""
    return replace(
        looking_rarely(hookkeeper(receiver)),
        name=ARQ,
        does="the same, arq runs the jobs",
        environment={**receiver.environment, "BENCH_POLL": ARQ_POLL},
    )


def naive(servers: Servers, on: str, command: str) -> Worker:
    """The textbook project's job on the queue `on`."""
    project = contenders.django_project(servers, f"naive-{on}", "textbook", "textbook_delivery")
    backlog = Textbook(project.database, servers.redis_url, on)
    return Worker(f"naive-{on}", "records, row by row", command, project.environment, backlog, share=25)


def empty(servers: Servers) -> Worker:
    """arq with nothing to do."""
    command = "arq bench.peers.empty_arq.WorkerSettings"
    environment = {"REDIS_URL": servers.redis_url}
    return Worker("empty-arq", "nothing", command, environment, Empty(servers.redis_url), share=2)


def chosen(only: Collection[str], split: Cores) -> list[str]:
    """The names of those that run: everybody who has a place, or of these `only` the named.

    Raises `ContenderError` when `only` names somebody without a place on these cores.
    """
    placed = [name for name in everybody() if (split.halves or name != HALF) and (name != ARQ or ARQ in only)]
    if HALF in only and HALF not in placed:
        raise ContenderError(
            f"{HALF} takes part only where processes can be pinned, to fewer than three cores"
        )
    return [name for name in placed if not only or name in only]


def one_of_two(split: Cores) -> str:
    """The name of the contender that is one worker with what each of two has."""
    return HALF if split.halves else "hookkeeper"


def everybody() -> dict[str, Callable[[Servers, Contender], Worker]]:
    """By name, in the order in which they run; each is made ready by its call.

    `HALF` has a place only where two workers have half a core each.
    """
    return {
        "hookkeeper": lambda _, receiver: hookkeeper(receiver),
        HALF: lambda _, receiver: replace(
            hookkeeper(receiver), name=HALF, does="the same, on half a core", halved=True
        ),
        "hookkeeper-two": lambda _, receiver: replace(
            hookkeeper(receiver), name="hookkeeper-two", does="the same, two processes", processes=2
        ),
        ARQ: lambda _, receiver: woken_by_arq(receiver),
        "naive-arq": lambda servers, _: naive(
            servers, "arq", "arq bench.peers.textbook.on_arq.WorkerSettings"
        ),
        "naive-saq": lambda servers, _: naive(servers, "saq", "saq bench.peers.textbook.on_saq.settings"),
        "empty-arq": lambda servers, _: empty(servers),
    }
