"""Computes percentiles, medians, pairwise ratios and verdicts from rounds. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from statistics import median
from typing import TypeVar


@dataclass(frozen=True)
class Round:
    """One contender in one round. Seconds and bytes; `rest_busy` is the share of the other cores in use."""

    rate: float  # accepted requests per second
    p50: float
    p99: float
    cpu: float  # the contender, for each request
    backend_cpu: float  # PostgreSQL and Redis, for each request
    peak_memory: int | None
    load_share: float  # of one core, used by the load generator
    rest_busy: float


@dataclass(frozen=True)
class Drain:
    """One worker in one round with a backlog. `cpu` is in seconds for each delivery.

    `busy` is the CPU of all its processes during the drain; 1 is one fully used core.
    """

    rate: float  # deliveries per second
    cpu: float
    backend_cpu: float  # PostgreSQL and Redis, for each delivery
    peak_memory: int | None
    busy: float
    rest_busy: float

    @classmethod
    def nothing(cls) -> "Drain":
        """Return the figures of a worker that did nothing."""
        return cls(0.0, 0.0, 0.0, None, 0.0, 0.0)


@dataclass(frozen=True)
class Target:
    """A target for the ratio of two figures. If the aim is the lower bound, the ratio must stay below."""

    text: str
    over: str
    under: str
    at_least: float
    aim: float

    def reached(self, ratio: float, goal: float) -> bool:
        """Return whether a ratio meets a goal."""
        return ratio <= goal if self.aim < self.at_least else ratio >= goal


@dataclass(frozen=True)
class Ratio:
    """The ratio of a target in each round; empty if one of the two was not measured."""

    target: Target
    rounds: tuple[float, ...]

    @property
    def median(self) -> float | None:
        """Return the median of the rounds."""
        return median(self.rounds) if self.rounds else None

    @property
    def verdict(self) -> str:
        """Return `aim met`, `met`, `not met` or `not measured`."""
        if self.median is None:
            return "not measured"
        if self.target.reached(self.median, self.target.aim):
            return "aim met"
        return "met" if self.target.reached(self.median, self.target.at_least) else "not met"


def per_cpu(name: str) -> str:
    """Return the name of a contender's requests per CPU second, beside those per second."""
    return f"{name}, CPU"


def ingest(rounds: Mapping[str, Sequence[Round]]) -> dict[str, list[float]]:
    """Return the figures of the part `ingest` that targets compare: higher is better."""
    rates = {name: [one.rate for one in found] for name, found in rounds.items()}
    cpu = {
        per_cpu(name): [1 / one.cpu if one.cpu else 0.0 for one in found] for name, found in rounds.items()
    }
    return rates | cpu


_OURS, _GIDGETHUB, _CURL = "hookkeeper-postgresql", "gidgethub-aiohttp", "-curl"

INGEST = (
    Target("durable receiver / textbook Django", _OURS, "textbook-django", 40, 60),
    Target("durable receiver / gidgethub, keeps nothing", _OURS, _GIDGETHUB, 1, 1.2),
    Target("durable receiver / gidgethub, per CPU second", per_cpu(_OURS), per_cpu(_GIDGETHUB), 1, 1.2),
    Target("as curl sends / gidgethub", _OURS + _CURL, _GIDGETHUB + _CURL, 0.9, 1),
    Target(
        "as curl sends / gidgethub, per CPU second",
        per_cpu(_OURS + _CURL),
        per_cpu(_GIDGETHUB + _CURL),
        0.9,
        1,
    ),
    Target("receiver on SQLite / on PostgreSQL", "hookkeeper-sqlite", _OURS, 0.9, 1),
    Target("SQLite / PostgreSQL, per CPU second", per_cpu("hookkeeper-sqlite"), per_cpu(_OURS), 0.9, 1),
    Target("rate with stored rows / with none", "hookkeeper-filled", _OURS, 0.9, 1),
)


# Names of the figures besides the workers' rates, in seconds and bytes.
IDLE, IDLE_RARELY = "idle p50", "idle p50, arq's poll_delay"
EARLY, LATE = "memory early", "memory late"


def worker(one: str) -> tuple[Target, ...]:
    """Return the targets of the part `worker`; two workers are compared with the contender `one`."""
    return (
        Target("deliveries/s / naive arq job, row-by-row ORM", "hookkeeper", "naive-arq", 100, 130),
        Target("deliveries/s / arq running empty jobs", "hookkeeper", "empty-arq", 2.5, 4),
        Target("two workers / one", "hookkeeper-two", one, 1.6, 1.9),
        Target("idle latency p50 / with arq's poll_delay", IDLE, IDLE_RARELY, 1 / 20, 1 / 50),
        Target("memory after all deliveries / after a tenth", LATE, EARLY, 1.1, 1.0),
    )


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that `share` of all values do not exceed; nan without values."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def ratios(figures: Mapping[str, Sequence[float]], targets: Sequence[Target]) -> list[Ratio]:
    """Return the ratio of each target, computed from two figures of the same round."""
    return [
        Ratio(
            target,
            tuple(
                over / under
                for over, under in zip(
                    figures.get(target.over, ()), figures.get(target.under, ()), strict=False
                )
                if under
            ),
        )
        for target in targets
    ]


Measured = TypeVar("Measured", Round, Drain)


def middle(rounds: Sequence[Measured]) -> Measured:
    """Return the median of each figure, and the highest peak."""
    values = {field.name: [getattr(one, field.name) for one in rounds] for field in fields(rounds[0])}
    peaks = [peak for peak in values.pop("peak_memory") if peak is not None]
    medians = {name: median(each) for name, each in values.items()}
    return replace(rounds[0], peak_memory=max(peaks) if peaks else None, **medians)
