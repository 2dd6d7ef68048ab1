"""The part `worker`: measures the rate of backlogs, the latency of a delivery, and memory.

It needs Django set up on an empty PostgreSQL database.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median

from bench import contenders, cores, drains, figures, latency, memory, processes, workers
from bench.contenders import Contender
from bench.delivery import ROOT
from bench.figures import Drain, percentile
from bench.latency import Load
from bench.servers import Servers
from bench.workers import Worker

Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """The options of a run; an empty `only` selects all contenders, and 0 leaves a measurement out."""

    deliveries: int
    rounds: int
    samples: int
    load_seconds: float
    memory: int
    only: tuple[str, ...] = ()


@dataclass
class Result:
    """The results of a run; `wrong` is empty if all deliveries were processed completely."""

    options: Options
    machine: dict[str, object]
    split: cores.Cores
    does: dict[str, str] = field(default_factory=dict)
    drains: dict[str, list[Drain]] = field(default_factory=dict)
    idle: dict[str, list[list[float]]] = field(default_factory=dict)
    resting: dict[str, list[float]] = field(default_factory=dict)
    loads: list[Load] = field(default_factory=list)
    memory: list[tuple[int, int]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, list[float]]:
        """Return the figures that the targets compare, by name, for each round."""
        found = {name: [one.rate for one in rounds] for name, rounds in self.drains.items()}
        for name, rounds in self.idle.items():
            found[name] = [percentile(seconds, 0.5) for seconds in rounds if seconds]
        if self.memory:
            found[figures.EARLY], found[figures.LATE] = [self.memory[0][1]], [self.memory[-1][1]]
        return found


@dataclass
class Run:
    """The state of a run."""

    servers: Servers
    split: cores.Cores
    say: Say
    receiver: Contender
    result: Result

    def drain(self, participants: Sequence[Worker]) -> None:
        """Run the alternating rounds of all contenders."""
        options = self.result.options
        for number in range(1, options.rounds + 1):
            for worker in participants:
                found, wrong = drains.drain(worker, options.deliveries, self.split, self.servers)
                self.result.drains.setdefault(worker.name, []).append(found)
                self._note_errors(f"{worker.name}, round {number}", wrong)
                self.say(f"round {number}/{options.rounds}  {worker.name:<16} {found.rate:10,.0f}/s")

    def idle(self, worker: Worker) -> None:
        """Measure latencies without load, alternately with the worker and with arq's `poll_delay`."""
        options = self.result.options
        both = {figures.IDLE: worker, figures.IDLE_RARELY: workers.looking_rarely(worker)}
        with self._receiver_up() as port:
            for number in range(1, options.rounds + 1):
                for name, each in both.items():
                    seconds, resting, wrong = latency.idle(
                        each, self.receiver, port, options.samples, self.split, self.servers
                    )
                    self.result.idle.setdefault(name, []).append(seconds)
                    self.result.resting.setdefault(name, []).append(resting)
                    self._note_errors(f"{name}, round {number}", wrong)
                    p50 = percentile(seconds, 0.5) * 1e3
                    self.say(f"round {number}/{options.rounds}  {name:<28} {p50:8.1f} ms")

    def load(self, worker: Worker) -> None:
        """Measure latencies at half of the measured rate."""
        options = self.result.options
        rate = median(one.rate for one in self.result.drains[worker.name]) / 2
        if not rate:
            return
        for number in range(1, options.rounds + 1):
            found, wrong = latency.loaded(worker, rate, options.load_seconds, self.split, self.servers)
            self.result.loads.append(found)
            self._note_errors(f"half load, round {number}", wrong)
            self.say(
                f"round {number}/{options.rounds}  {found.taken:,.0f}/s"
                f"  p50 {found.p50 * 1e3:.1f} ms  p99 {found.p99 * 1e3:.1f} ms"
            )

    def memory(self, worker: Worker) -> None:
        """Measure memory over many deliveries."""
        self.result.memory, wrong = memory.after_each_tenth(
            worker, self.result.options.memory, self.split, self.servers, self.say
        )
        self._note_errors("memory", wrong)

    @contextmanager
    def _receiver_up(self) -> Iterator[int]:
        port, log = processes.free_port(), self.servers.folder / "receiver.log"
        with processes.running(
            self.receiver.command, log, self.receiver.environment, on=self.split.rest, cwd=ROOT, port=port
        ):
            yield port

    def _note_errors(self, where: str, wrong: Sequence[str]) -> None:
        self.result.wrong += [f"{where}: {what}" for what in wrong]


def run(
    options: Options, split: cores.Cores, servers: Servers, say: Say, machine: Mapping[str, object]
) -> Result:
    """Measure everything; `say` receives the progress."""
    conditions = {**machine, "cores": str(split), "postgresql": servers.settings()}
    result = Result(options, conditions, split)
    receiver = contenders.hookkeeper(servers, "receiver", os.environ["DATABASE_URL"], "PostgreSQL, fsync")
    going = Run(servers, split, say, receiver, result)
    prepare = workers.all_workers()
    participants = {name: prepare[name](servers, receiver) for name in workers.chosen(options.only, split)}
    result.does = {name: worker.does for name, worker in participants.items()}
    going.drain(list(participants.values()))
    ours = participants.get("hookkeeper") or participants.get(workers.ARQ)
    if ours is not None:
        if options.samples:
            going.idle(ours)
        if options.load_seconds:
            going.load(ours)
        if options.memory:
            going.memory(ours)
    return result
