"""The merge rule: whatever the order of arrival, the end is the end of the history."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.merging import Decision, Watermark, decide

START = datetime(2026, 5, 4, tzinfo=UTC)


def at(seconds: int | None, *, terminal: bool = False, deleted: bool = False) -> Watermark:
    moment = None if seconds is None else START + timedelta(seconds=seconds)
    return Watermark(moment, terminal=terminal, deleted=deleted)


@pytest.mark.parametrize(
    ("stored", "incoming", "decision"),
    [
        (None, at(1), Decision.APPLY),
        (None, at(1, deleted=True), Decision.TOMBSTONE),
        (at(1), at(2), Decision.APPLY),
        (at(2), at(1), Decision.KEEP),
        (at(1), at(1), Decision.APPLY),
        (at(1, terminal=True), at(1), Decision.KEEP),
        (at(1, terminal=True), at(9), Decision.KEEP),
        (at(9), at(1, terminal=True), Decision.APPLY),
        (at(1, terminal=True), at(2, terminal=True), Decision.APPLY),
        (at(2, terminal=True), at(1, terminal=True), Decision.KEEP),
        (at(9), at(1, deleted=True), Decision.TOMBSTONE),
        (at(1, deleted=True), at(9), Decision.KEEP),
        (at(1, deleted=True), at(9, deleted=True), Decision.KEEP),
        (at(None), at(1), Decision.APPLY),
        (at(1), at(None), Decision.KEEP),
        (at(None), at(None), Decision.APPLY),
    ],
)
def test_each_case_of_the_rule(stored: Watermark | None, incoming: Watermark, decision: Decision) -> None:
    assert decide(stored, incoming) is decision


@st.composite
def histories(draw: st.DrawFn) -> list[Watermark]:
    """What happened, in order: open states with rising times, perhaps merged, then edits, perhaps deleted."""
    times = sorted(draw(st.sets(st.integers(0, 500), min_size=1, max_size=8)))
    merged = draw(st.integers(0, len(times)))
    history = [at(time, terminal=place >= merged) for place, time in enumerate(times)]
    if draw(st.booleans()):
        last = history[-1]
        assert last.updated_at is not None
        history.append(Watermark(last.updated_at + timedelta(seconds=1), last.terminal, deleted=True))
    return history


@given(history=histories(), data=st.data())
def test_in_every_order_and_with_every_duplicate_the_end_is_the_same(
    history: list[Watermark], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(history), max_size=6))
    arrivals = data.draw(st.permutations(history + again))
    stored = None
    for incoming in arrivals:
        if decide(stored, incoming) is not Decision.KEEP:
            stored = incoming
    assert stored == history[-1]


@given(
    st.lists(
        st.builds(at, st.none() | st.integers(0, 5), terminal=st.booleans(), deleted=st.booleans()),
        max_size=12,
    )
)
def test_merged_and_deleted_are_never_left(arrivals: list[Watermark]) -> None:
    states = []
    stored = None
    for incoming in arrivals:
        if decide(stored, incoming) is not Decision.KEEP:
            stored = incoming
        states.append(stored)
    for before, now in pairwise(states):
        assert before is not None
        assert now is not None
        assert now.deleted >= before.deleted
        assert now.deleted or now.terminal >= before.terminal
