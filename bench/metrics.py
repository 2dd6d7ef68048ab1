"""The part `metrics`: what metrics and JSON logs cost the receiver, beside gidgethub.

One receiver is measured in both states, which bench/peers/switched.py turns.
"""

import sys
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import cycle, islice, permutations

from bench import contenders, cores, figures, ingest, processes, servers
from bench.contenders import Contender
from bench.delivery import ROOT
from bench.figures import Ratio, Round, Target
from bench.ingest import Entry
from bench.servers import Servers

WITH, WITHOUT, PEER = "with metrics and JSON logs", "without metrics", "gidgethub-aiohttp"
CONNECTIONS = 32
TARGETS = (
    Target(f"{WITH} / gidgethub", WITH, PEER, 0.6, 1),
    Target(f"{WITHOUT} / gidgethub", WITHOUT, PEER, 0.6, 1),
    Target("the ratio to gidgethub with / without", WITH, WITHOUT, 0.98, 1),
)


@dataclass(frozen=True)
class Options:
    """Seconds of a round, and rounds."""

    seconds: float
    rounds: int


@dataclass
class Result:
    """The rounds by name, and what went wrong."""

    rounds: dict[str, list[Round]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    hook: float = 0.0
    """CPU seconds of the hook alone, for one delivery."""

    def ratios(self) -> list[Ratio]:
        """Return the ratios of the targets, round by round."""
        rates = {name: [one.rate for one in rounds] for name, rounds in self.rounds.items()}
        return figures.ratios(rates, TARGETS)

    def cpu_share(self) -> float:
        """Return the median of the rounds' ratios of CPU time for a delivery, with metrics to without."""
        pairs = zip(self.rounds[WITH], self.rounds[WITHOUT], strict=True)
        return figures.percentile([with_.cpu / without.cpu for with_, without in pairs], 0.5)

    def hook_share(self) -> float:
        """Return the share of the hook alone in the CPU time of a delivery."""
        return self.hook / figures.middle(self.rounds[WITH]).cpu


def run(options: Options, say: Callable[[str], None]) -> Result:
    """Measure the three in short, alternating rounds on one core."""
    split = cores.split()
    result = Result()
    chosen = ingest.Options(options.seconds, CONNECTIONS, options.rounds, 0, (), ROOT)
    with cores.on(split.rest), servers.started() as backends, ExitStack() as stack:
        ours, peer = (
            stack.enter_context(ingest.up(contender, backends.folder, split))
            for contender in (_switched(backends), contenders.gidgethub(backends))
        )
        environment = {**ours.contender.environment, "DJANGO_SETTINGS_MODULE": "settings"}
        result.hook = float(processes.run([sys.executable, "-m", "bench.hook"], environment))
        # All orders alternate, so that none always follows the same.
        orders = cycle(permutations((WITH, WITHOUT, PEER)))
        for number, order in enumerate(islice(orders, options.rounds)):
            for name in order:
                if name != PEER:
                    _turn(ours, on=name == WITH)
                found, wrong = ingest.measure(peer if name == PEER else ours, chosen, split, backends)
                result.rounds.setdefault(name, []).append(found)
                result.wrong += [f"{name}, round {number + 1}: {what}" for what in wrong]
                say(
                    f"round {number + 1}/{options.rounds}  {name:<27} {found.rate:10,.0f}/s"
                    f" {found.cpu * 1e6:6,.0f} µs of CPU each"
                )
    return result


def keeps() -> Mapping[str, str]:
    """Return what each keeps, by name."""
    durable = "PostgreSQL, fsync"
    return {WITH: durable, WITHOUT: durable, PEER: "nothing"}


def cautions(result: Result) -> Sequence[str]:
    """Return a caution where single rounds differ by more than the target leaves room for."""
    [*_, ratio] = result.ratios()
    spread = max(ratio.rounds) - min(ratio.rounds)
    if spread > 1 - ratio.target.at_least:
        return [f"rounds differ by {spread:.0%}, more than the target's 2%: a quiet machine or more rounds"]
    return []


def _switched(backends: Servers) -> Contender:
    url = backends.create_database("switched")
    made = contenders.hookkeeper(backends, "switched", url, "PostgreSQL, fsync")
    return replace(made, command=made.command.replace("receiver.asgi", "bench.peers.switched"))


def _turn(entry: Entry, *, on: bool) -> None:
    url = f"http://127.0.0.1:{entry.port}/bench/{'on' if on else 'off'}"
    with urllib.request.urlopen(url, timeout=15):
        pass
