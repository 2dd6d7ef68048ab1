"""Counters and histograms of one process: plain integers, until they are added to the table. Pure.

Adding one is a few hundred nanoseconds, so it may happen for each delivery.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import NamedTuple

SUM = -1
"""The position of a histogram's sum, in microseconds; its buckets have the positions from 0."""


class Histogram(NamedTuple):
    """A histogram by its name. The table stores buckets by position: new bounds need a new name."""

    name: str
    bounds: tuple[float, ...]
    """Upper bounds of the buckets in seconds, each included; one more bucket has the rest."""


class Cell(NamedTuple):
    """One integer: the position of a series, which is a name with its labels."""

    name: str
    first: str
    second: str
    position: int
    value: int


class Counts:
    """What one process has counted and not yet written."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, str, str], list[int]] = {}

    def __bool__(self) -> bool:
        return bool(self._series)

    def add(self, name: str, first: str, second: str = "") -> None:
        """Count one. The labels must come from bounded sets."""
        cells = self._series.get((name, first, second))
        if cells is None:
            cells = self._series[name, first, second] = [0]
        cells[0] += 1

    def observe(self, histogram: Histogram, seconds: float, first: str = "", second: str = "") -> None:
        """Count a length of time. Below zero, where clocks differ, it counts as zero."""
        name, bounds = histogram
        cells = self._series.get((name, first, second))
        if cells is None:
            # One more bucket, and the sum at the end.
            cells = self._series[name, first, second] = [0] * (len(bounds) + 2)
        cells[bisect_left(bounds, seconds)] += 1
        cells[SUM] += max(0, int(seconds * 1_000_000))

    def take(self) -> list[Cell]:
        """Return what was counted, in order, and begin anew. All processes write in this order."""
        taken, self._series = self._series, {}
        return sorted(_cells(taken))

    def put_back(self, cells: Iterable[Cell]) -> None:
        """Add what was taken and could not be written."""
        for name, first, second, position, value in cells:
            series = self._series.setdefault((name, first, second), [])
            # A series is as long as its histogram, or one; its last cell is the sum.
            size = _SIZES.get(name, 1)
            series.extend([0] * (size - len(series)))
            series[position] += value


def _cells(series: dict[tuple[str, str, str], list[int]]) -> Iterator[Cell]:
    for (name, first, second), values in series.items():
        last = len(values) - 1
        for position, value in enumerate(values):
            if value:
                yield Cell(name, first, second, SUM if last and position == last else position, value)


INGEST = Histogram("ingest", (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10))
QUEUE = Histogram("queue", (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600))
HANDLER = Histogram(
    "handler", (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
)
HISTOGRAMS = (INGEST, QUEUE, HANDLER)
RECEIVED = "received"
"""The counter of accepted deliveries, by event and outcome."""
SETTLED = "settled"
"""The counter of settled attempts, by event and status."""
_SIZES = {histogram.name: len(histogram.bounds) + 2 for histogram in HISTOGRAMS}

counts = Counts()
"""Those of this process."""
