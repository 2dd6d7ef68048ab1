"""Measures how fast a worker processes a backlog.

The workers start one after the other, and each processes a few deliveries as a warm-up. Then they are
suspended (SIGSTOP), the backlog is stored and enqueued, and they are resumed. A drain lasts from that moment
to the recorded completion of the last delivery; the rate is the number of deliveries divided by this time.
Meanwhile the benchmark only asks the database ten times a second whether deliveries are left. A worker with
half of a core shares it during the drain with a process that uses CPU.
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

WARM_UP = 20  # the warm-up is a twentieth of the measured deliveries
ENDS_WITHIN = 120.0  # seconds


@dataclass(frozen=True)
class Ended:
    """The time at which a backlog was done, and the number of late deliveries."""

    at: float  # seconds since 1970
    left: int


def drain(
    worker: Worker, deliveries: int, split: cores.Cores, servers: Servers, within: float = ENDS_WITHIN
) -> tuple[Drain, list[str]]:
    """Run one round of one worker; return its figures and the errors."""
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
        # A stopped worker that waits in Redis still gets a job, so none is stopped before all are warm. The
        # next fill wakes the worker that has waited longest.
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
    """Wait until the last fill is done; raise `ContenderError` if a process ends."""
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
    """Start one process of a worker on this core."""
    log = folder / f"{worker.name.replace(' ', '-')}.log"
    with processes.running(worker.command, log, worker.environment, on=core, cwd=ROOT) as process:
        yield process


@contextmanager
def _neighbour(worker: Worker, split: cores.Cores, servers: Servers) -> Iterator[list[processes.Process]]:
    """Run the process that uses the other half of a halved worker's core, until the context ends."""
    if not worker.halved:
        yield []
        return
    with spinner.spinning(split.contender, servers.folder) as process:
        yield [process]


def whole(count: float) -> int:
    """Return the next number that is a multiple of the number of kinds."""
    kinds = len(workload.KINDS)
    return max(1, round(count / kinds)) * kinds
