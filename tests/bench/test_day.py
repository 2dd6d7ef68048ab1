"""The verdicts of the benchmark's compressed day; no test measures a speed."""

import pytest

from bench.day import Interval, Result, table


def a_day(rates: list[int], sizes: list[int]) -> Result:
    """Return a day of intervals of ten seconds."""
    return Result(
        "",
        [
            Interval(10.0 * number, 10.0, 10 * rate, 0.0, 0.0, 0, size, 0, 0)
            for number, (rate, size) in enumerate(zip(rates, sizes, strict=True))
        ],
    )


def test_the_first_interval_does_not_count_and_one_outlier_does_not_matter() -> None:
    day = a_day([1, 500, 500, 500, 500] + 10 * [300] + [450, 450, 20, 450, 450], 20 * [1])
    assert day.rates() == (500.0, 450.0)


def test_growth_is_that_of_the_last_quarter_over_the_quarter_before() -> None:
    assert a_day(20 * [1], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] + 5 * [20] + [20, 20, 30, 20, 20]).growth() == 1.5


@pytest.mark.parametrize("day", [a_day([0] * 20, [1] * 20), a_day([5], [1])], ids=["slow", "short"])
def test_a_day_without_a_rate_or_a_size_to_compare_with_meets_no_target(day: Result) -> None:
    assert str(table(day).caption).count("nan, ") >= 1
    assert "at least 0.95: not met" in str(table(day).caption)
