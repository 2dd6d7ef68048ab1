"""Charts: every number is a bar, and the label describes the bars."""

import re
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from console import charts
from ledger.rates import MINUTE, Rates
from receiver.models import Status

BEGIN = datetime(2026, 11, 25, 12, tzinfo=UTC)
END = BEGIN + timedelta(minutes=59, seconds=30)

numbers = st.dictionaries(
    st.tuples(st.integers(0, 59).map(lambda minute: BEGIN + minute * MINUTE), st.sampled_from(charts.ORDER)),
    st.integers(1, 10**9),
)


@given(numbers)
def test_bars_are_within_the_chart_and_have_their_numbers(found: dict[tuple[datetime, str], int]) -> None:
    chart = charts.bars(Rates(MINUTE, BEGIN, END, found), "Settled")
    assert f'aria-label="Settled per minute: {sum(found.values()):,} since 11-25 12:00 UTC' in chart
    assert "<span>12:00</span><span>12:59 UTC</span>" in chart
    rects = re.findall(r'<rect class="(\w+)" x="(.+?)" y="(.+?)" width="(.+?)" height="(.+?)"><title>', chart)
    assert sorted(rect[0] for rect in rects) == sorted(status for _, status in found)
    for _, x, y, width, height in rects:
        assert 0 <= float(x) <= charts.WIDTH - float(width) + 0.01
        assert -0.02 <= float(y) <= charts.HEIGHT - float(height) + 0.02
    assert "style=" not in chart


def test_without_numbers_there_is_an_empty_chart() -> None:
    chart = charts.bars(Rates(MINUTE, BEGIN, END, {}), "Received")
    assert "Received per minute: 0 since" in chart
    assert "<rect" not in chart


def test_what_is_not_counted_yet_is_marked_and_named() -> None:
    gap = (BEGIN + 57 * MINUTE, BEGIN + 59 * MINUTE)
    numbers = {(BEGIN, Status.DEAD.value): 3}
    chart = charts.bars(Rates(MINUTE, BEGIN, END, numbers, gap), "Settled")
    assert 'aria-label="Settled per minute: at least 3 since 11-25 12:00 UTC, at most 3; ' in chart
    assert "11-25 12:57 to 11-25 12:59 not counted yet" in chart
    assert '<rect class="uncounted" x="570.00" y="0.00" width="20.00" height="120.00">' in chart
