"""From rounds to figures, pure: percentiles, medians, ratios pair by pair, and whether a target is met."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Round:
    """One contender in one round. Seconds and bytes; `rest_busy` is the share of the other cores in use."""

    rate: float  # accepted requests per second
    p50: float
    p99: float
    cpu: float  # of the contender, for each request
    backend_cpu: float  # of PostgreSQL and Redis, for each request
    peak_memory: int | None
    load_share: float  # of one core, used by the load generator
    rest_busy: float


@dataclass(frozen=True)
class Target:
    """A ratio of two contenders' rates that is to be reached."""

    text: str
    over: str
    under: str
    at_least: float
    aim: float


@dataclass(frozen=True)
class Ratio:
    """A target's ratio in each round; empty where one of the two was not measured."""

    target: Target
    rounds: tuple[float, ...]

    @property
    def median(self) -> float | None:
        """The median of the rounds."""
        return median(self.rounds) if self.rounds else None

    @property
    def verdict(self) -> str:
        """`aim met`, `met`, `not met` or `not measured`."""
        if self.median is None:
            return "not measured"
        if self.median >= self.target.aim:
            return "aim met"
        return "met" if self.median >= self.target.at_least else "not met"


TARGETS = (
    Target("durable receiver / textbook Django", "hookkeeper-postgresql", "textbook-django", 25, 40),
    Target(
        "durable receiver / gidgethub, keeps nothing", "hookkeeper-postgresql", "gidgethub-aiohttp", 0.6, 1
    ),
    Target("receiver on SQLite / on PostgreSQL", "hookkeeper-sqlite", "hookkeeper-postgresql", 0.5, 1),
    Target("rate with stored rows / with none", "hookkeeper-filled", "hookkeeper-postgresql", 0.9, 1),
)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of all do not exceed; nan without values."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def ratios(rounds: Mapping[str, Sequence[Round]], targets: Sequence[Target] = TARGETS) -> list[Ratio]:
    """Every target's ratio, each round divided by the same round of the other."""
    return [
        Ratio(
            target,
            tuple(
                over.rate / under.rate
                for over, under in zip(
                    rounds.get(target.over, ()), rounds.get(target.under, ()), strict=False
                )
                if under.rate
            ),
        )
        for target in targets
    ]


def middle(rounds: Sequence[Round]) -> Round:
    """The median of every figure by itself; the highest of the peaks."""
    peaks = [one.peak_memory for one in rounds if one.peak_memory is not None]
    return Round(
        rate=median(one.rate for one in rounds),
        p50=median(one.p50 for one in rounds),
        p99=median(one.p99 for one in rounds),
        cpu=median(one.cpu for one in rounds),
        backend_cpu=median(one.backend_cpu for one in rounds),
        peak_memory=max(peaks) if peaks else None,
        load_share=median(one.load_share for one in rounds),
        rest_busy=median(one.rest_busy for one in rounds),
    )
