"""Latencies as counts by ranges that grow by a fifth, so that those of many minutes can be added. Pure."""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import accumulate

# Seconds that the first range ends at. Each range is 2^(1/4) times as long as the one before.
SHORTEST = 0.001
RANGES_PER_DOUBLING = 4

Counts = Mapping[str, int]
"""Numbers of latencies by the number of their range, which is text because JSON's keys are."""


def range_of(seconds: float) -> int:
    """Return the number of the range of a latency."""
    return int(RANGES_PER_DOUBLING * math.log2(max(seconds, SHORTEST) / SHORTEST))


def longest(number: int) -> float:
    """Return the end of a range in seconds."""
    return float(SHORTEST * 2 ** ((number + 1) / RANGES_PER_DOUBLING))


def added(counts: Iterable[Counts]) -> dict[str, int]:
    """Return the sums by range."""
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(total)


def quantiles(counts: Counts, wanted: Iterable[float]) -> list[float] | None:
    """Return the seconds that these shares of all latencies do not exceed; None without any latency.

    Each is the end of its range, so it is at most 19% too long.
    """
    total = sum(counts.values())
    if not total:
        return None
    numbers = sorted(int(number) for number in counts)
    reached = list(accumulate(counts[str(number)] for number in numbers))
    places = (bisect_left(reached, math.ceil(share * total)) for share in wanted)
    return [round(longest(numbers[place]), 6) for place in places]
