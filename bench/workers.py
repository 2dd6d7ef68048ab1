"""The contenders of the part `worker`: how each is prepared and started, and its backlog."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial

from honcho.environ import parse_procfile

from bench import contenders, processes, queues
from bench.backlogs import Backlog, Empty, Hookkeeper, Textbook
from bench.contenders import Contender
from bench.cores import Cores
from bench.delivery import ROOT
from bench.processes import ContenderError
from bench.servers import Servers

HALF = "hookkeeper-half"
# Only on request: the alternative that docs/decisions/0025 compares.
ARQ = "hookkeeper-arq"
ARQ_POLL = "0.01"  # seconds


@dataclass(frozen=True)
class Worker:
    """A shell command that processes a backlog."""

    name: str
    does: str
    command: str
    environment: Mapping[str, str]
    backlog: Backlog
    share: int = 1
    """It gets this fraction of `--deliveries`, so that all rounds take about the same time."""
    processes: int = 1
    halved: bool = False
    """It shares its core with a process that uses CPU, so it has half of it."""


def hookkeeper(receiver: Contender, **settings: str) -> Worker:
    """Return the Procfile's `worker:` line, on the receiver's database; `settings` extend its environment."""
    command = parse_procfile((ROOT / "Procfile").read_text()).processes["worker"]
    backlog = Hookkeeper(receiver.database)
    environment = {**receiver.environment, **settings}
    return Worker("hookkeeper", "records, ledger", command, environment, backlog)


def looking_rarely(worker: Worker) -> Worker:
    """Return the same with arq's default `poll_delay`."""
    command = "arq bench.peers.default_poll.WorkerSettings"
    return replace(worker, name="hookkeeper, arq's poll_delay", command=command)


def woken_by_arq(receiver: Contender) -> Worker:
    """Return the same with wake-ups run by arq, which polls every `ARQ_POLL` seconds."""
    return replace(
        looking_rarely(hookkeeper(receiver)),
        name=ARQ,
        does="the same, arq runs the jobs",
        environment={**receiver.environment, "BENCH_POLL": ARQ_POLL},
    )


# The worker of each queue that the textbook project's job runs on.
COMMANDS = {
    "arq": "arq bench.peers.textbook.on_arq.WorkerSettings",
    "saq": "saq bench.peers.textbook.on_saq.settings",
    "celery": "celery -A bench.peers.textbook.on_celery worker",
    "dramatiq": "dramatiq bench.peers.textbook.on_dramatiq",
    "procrastinate": "procrastinate -a bench.peers.textbook.on_procrastinate.app worker",
}


def naive(servers: Servers, on: str) -> Worker:
    """Return the textbook project's job on the queue `on`."""
    project = contenders.django_project(servers, f"naive-{on}", "textbook", "textbook_delivery")
    queue_url = servers.redis_url
    if on == "procrastinate":  # its queue is in the project's database
        queue_url = project.database
        schema = COMMANDS[on].removesuffix("worker") + "schema --apply"
        processes.run(schema.split(), project.environment)
    backlog = Textbook(project.database, queue_url, queues.CLIENTS[on])
    return Worker(f"naive-{on}", "records, row by row", COMMANDS[on], project.environment, backlog, share=25)


def empty(servers: Servers) -> Worker:
    """Return arq with empty jobs."""
    command = "arq bench.peers.empty_arq.WorkerSettings"
    environment = {"REDIS_URL": servers.redis_url}
    return Worker("empty-arq", "nothing", command, environment, Empty(servers.redis_url), share=2)


def chosen(only: Collection[str], split: Cores) -> list[str]:
    """Return the names of the workers to run: all that fit on these cores, or those in `only`.

    Raises `ContenderError` if `only` names one that does not fit on these cores.
    """
    placed = [
        name for name in all_workers() if (split.halves or name != HALF) and (name != ARQ or ARQ in only)
    ]
    if HALF in only and HALF not in placed:
        raise ContenderError(
            f"{HALF} takes part only where processes can be pinned, to fewer than three cores"
        )
    return [name for name in placed if not only or name in only]


def one_of_two(split: Cores) -> str:
    """Return the name of the single worker with the same share of a core as each of two."""
    return HALF if split.halves else "hookkeeper"


def all_workers() -> dict[str, Callable[[Servers, Contender], Worker]]:
    """Return the workers by name, in the order of their runs. A call prepares one.

    `HALF` runs only where two workers have half a core each.
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
        **{f"naive-{on}": partial(_naive, on) for on in COMMANDS},
        "empty-arq": lambda servers, _: empty(servers),
    }


def _naive(on: str, servers: Servers, _: Contender) -> Worker:
    return naive(servers, on)
