"""Counters and histograms of one process: plain integers, until they are added to the table. Pure.

Adding one is a few hundred nanoseconds, so it may happen for each delivery.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
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
    """The counts of one process that are not written yet."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, str, str], list[int]] = {}

    def cells(self, name: str, first: str = "", second: str = "") -> list[int]:
        """Return the integers of a series. The list stays the same, so a frequent caller can keep it.

        The labels must come from bounded sets.
        """
        found = self._series.get((name, first, second))
        if found is None:
            found = self._series[name, first, second] = [0] * _SIZES.get(name, 1)
        return found

    def add(self, name: str, first: str, second: str = "") -> None:
        """Count one."""
        self.cells(name, first, second)[0] += 1

    def observe(self, histogram: Histogram, seconds: float, first: str = "", second: str = "") -> None:
        """Count a length of time."""
        observe(self.cells(histogram.name, first, second), histogram.bounds, seconds)

    def take(self) -> list[Cell]:
        """Return the counts in the order in which all processes write them, and start from zero."""
        taken = sorted(_cells(self._series))
        for values in self._series.values():
            values[:] = [0] * len(values)
        return taken

    def put_back(self, cells: Iterable[Cell]) -> None:
        """Add counts that were taken and could not be written."""
        for name, first, second, position, value in cells:
            self.cells(name, first, second)[position] += value


def observe(cells: list[int], bounds: Sequence[float], seconds: float) -> None:
    """Count a length of time in a histogram's cells. Below zero, where clocks differ, it counts as zero."""
    cells[bisect_left(bounds, seconds)] += 1
    cells[SUM] += max(0, int(seconds * 1_000_000))


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
# One more bucket, and the sum at the end.
_SIZES = {histogram.name: len(histogram.bounds) + 2 for histogram in HISTOGRAMS}

counts = Counts()
"""Those of this process."""
