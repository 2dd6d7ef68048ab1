"""Latencies by ranges: quantiles of many minutes, at most a fifth too long."""

import math

from hypothesis import given
from hypothesis import strategies as st

from ledger import latencies

seconds = st.floats(0.001, 1e6)


@given(seconds)
def test_a_latency_lies_in_its_range(value: float) -> None:
    number = latencies.range_of(value)
    assert latencies.longest(number - 1) <= value * 1.000001
    assert value <= latencies.longest(number) * 1.000001


@given(st.lists(st.lists(seconds, max_size=20), max_size=5), st.floats(0.01, 1.0))
def test_a_quantile_of_added_counts_is_that_of_all_latencies(parts: list[list[float]], share: float) -> None:
    counts = [latencies.added({str(latencies.range_of(each)): 1} for each in part) for part in parts]
    found = latencies.quantiles(latencies.added(counts), [share])
    every = sorted(each for part in parts for each in part)
    if not every:
        assert found is None
        return
    exact = every[math.ceil(share * len(every)) - 1]
    assert found
    assert exact * 0.999 <= found[0] <= exact * 2 ** (1 / latencies.RANGES_PER_DOUBLING) * 1.001
