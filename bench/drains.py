"""How fast a worker works off a backlog.

The workers are started, one after the other, and each does a few deliveries to be warm. Then they are stopped
where they stand (SIGSTOP), the backlog is stored and enqueued, and they are let go. A drain lasts from that
moment until the last delivery was done, as the backlog has it written down; the rate is all deliveries over
this time, with its beginning and its end. Nothing else is asked of the database meanwhile but, ten times a
second, whether anything is left. A worker that is to have half of its core shares it, from just before it is
let go until the drain is over, with a process that burns CPU.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import cores, processes, spinner, workload
from bench.delivery import ROOT
from bench.figures import Drain
from bench.servers import Servers
from bench.workers import Worker

WARM_UP = 20  # a twentieth of what is measured is done before
ENDS_WITHIN = 120.0  # seconds


@dataclass(frozen=True)
class Ended:
    """When a backlog was done, and how much of it was not in time."""

    at: float  # seconds since 1970
    left: int


def drain(
    worker: Worker, deliveries: int, split: cores.Cores, servers: Servers, within: float = ENDS_WITHIN
) -> tuple[Drain, list[str]]:
    """One round of one worker, and what was wrong in it."""
    backlog, count = worker.backlog, whole(deliveries / worker.share)
    warm = whole(count / WARM_UP)
    servers.flush_redis()
    backlog.clear()
    done, wrong = 0, []
    with ExitStack() as stack:
        running = [
            stack.enter_context(up(worker, core, servers.folder))
            for core in (split.contender, split.second)[: worker.processes]
        ]
        # Who waits in Redis gets a job also while it is stopped, so nobody is stopped before all are warm. Of
        # several the next fill wakes the one that has waited longest.
        for process in running:
            backlog.fill(done, warm)
            done += warm
            if wait(worker, running, within).left:
                return Drain.nothing(), [f"not ready for work within {within:g} seconds: {process.tail()}"]
        for process in running:
            process.pause()
        backlog.fill(done, count)
        done += count
        with _neighbour(worker, split, servers) as others:
            cpu, backends, rest = sum(each.cpu() for each in running), servers.cpu(), cores.busy(split.rest)
            started = time.time()
            for process in running:
                process.resume()
            ended = wait(worker, [*running, *others], within)
            rest = (cores.busy(split.rest) - rest) / (time.time() - started)
            cpu, backends = sum(each.cpu() for each in running) - cpu, servers.cpu() - backends
        peaks = [each.peak_memory() for each in running]
        if ended.left:
            wrong.append(f"{ended.left} of {count} deliveries were not done within {within:g} seconds")
        wrong += backlog.wrong(done)
    found = Drain(
        rate=(count - ended.left) / (ended.at - started),
        cpu=cpu / count,
        backend_cpu=backends / count,
        peak_memory=sum(peak or 0 for peak in peaks) or None,
        busy=cpu / (ended.at - started),
        rest_busy=rest / max(1, len(split.rest)),
    )
    return found, wrong


def wait(worker: Worker, running: Sequence[processes.Process], within: float = ENDS_WITHIN) -> Ended:
    """Wait until the backlog's last fill is done; raises `ContenderError` when a process ends by itself."""
    deadline = time.monotonic() + within
    with worker.backlog.watched() as done:
        while not done() and time.monotonic() < deadline:
            for process in running:
                process.check()
            time.sleep(worker.backlog.every)
    now, left = time.time(), worker.backlog.left()
    return Ended(now if left else worker.backlog.finished() or now, left)


@contextmanager
def up(worker: Worker, core: frozenset[int], folder: Path) -> Iterator[processes.Process]:
    """One process of a worker, on this core."""
    log = folder / f"{worker.name.replace(' ', '-')}.log"
    with processes.running(worker.command, log, worker.environment, on=core, cwd=ROOT) as process:
        yield process


@contextmanager
def _neighbour(worker: Worker, split: cores.Cores, servers: Servers) -> Iterator[list[processes.Process]]:
    """Whoever has the other half of a worker's core, while the context lasts; empty for most."""
    if not worker.halved:
        yield []
        return
    with spinner.spinning(split.contender, servers.folder) as process:
        yield [process]


def whole(count: float) -> int:
    """The next number that holds every kind of delivery equally often."""
    kinds = len(workload.KINDS)
    return max(1, round(count / kinds)) * kinds
