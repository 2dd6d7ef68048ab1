"""The merge rule: every order of arrival ends in the last state of the history."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.merging import Decision, Row, Snapshot, Watermark, decide
from records.rules import by_watermark, fold

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
    """Draw a history: open states with rising times, an optional merge, edits, an optional deletion."""
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


ENDED = at(5)._replace(ended=True)


@pytest.mark.parametrize(
    ("stored", "incoming", "decision"),
    [
        (ENDED, at(5), Decision.KEEP),
        (ENDED, at(6), Decision.APPLY),
        (ENDED, at(5)._replace(reopens=True), Decision.APPLY),
        (at(5), ENDED, Decision.APPLY),
        (ENDED, ENDED, Decision.APPLY),
        (None, at(5)._replace(first=True), Decision.APPLY),
        (at(5), at(5)._replace(first=True), Decision.KEEP),
        (at(4), at(5)._replace(first=True), Decision.KEEP),
        (at(None), at(5)._replace(first=True), Decision.KEEP),
    ],
)
def test_in_one_second_an_end_is_left_by_a_reopening_alone_and_a_first_action_replaces_nothing(
    stored: Watermark | None, incoming: Watermark, decision: Decision
) -> None:
    assert decide(stored, incoming) is decision


BLANK: Row = {"title": "", "labels": [], "updated_at": None, "pinned": False, "pin_told_at": None}


def told(second: int, **fields: object) -> Row:
    return {"updated_at": at(second).updated_at, **fields}


def pin(second: int, pinned: bool) -> Row:
    return told(second, pinned=pinned, pin_told_at=at(second).updated_at)


def take_in(stored: Row | None, *snapshots: Row) -> tuple[Row, list[Decision]]:
    rule = by_watermark(lambda row: Watermark(row["updated_at"]), side_fields={"pinned": "pin_told_at"})
    return fold(stored, map(Snapshot, snapshots), BLANK, rule)


def test_absent_fields_of_a_snapshot_change_nothing() -> None:
    row, _ = take_in(None, told(1, title="a", labels=["x"]), told(2, title="b"))
    assert row == {**BLANK, **told(2, title="b", labels=["x"])}


def test_a_snapshot_that_changes_nothing_is_kept_out_and_the_row_is_the_same() -> None:
    stored, _ = take_in(None, told(1, title="a"))
    row, decisions = take_in(stored, told(1, title="a"), told(0, title="b"))
    assert row is stored
    assert decisions == [Decision.KEEP, Decision.KEEP]


@given(data=st.data(), seconds=st.sets(st.integers(0, 50), min_size=1, max_size=7))
def test_a_history_with_pins_ends_the_same_in_every_order_with_every_duplicate(
    data: st.DataObject, seconds: set[int]
) -> None:
    history = []
    for second in sorted(seconds):
        snapshot = data.draw(st.sampled_from([told(second), pin(second, True), pin(second, False)]))
        history.append({**snapshot, "title": f"at {second}", "labels": [str(second)]})
    arrivals = data.draw(st.permutations(history + data.draw(st.lists(st.sampled_from(history), max_size=4))))
    in_order, _ = take_in(None, *history)
    assert take_in(None, *arrivals)[0] == in_order
    one_by_one = None
    for snapshot in arrivals:
        one_by_one, _ = take_in(one_by_one, snapshot)
    assert one_by_one == in_order
