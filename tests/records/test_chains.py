"""Moves of a ref in one second: the chain of their ends shows the head, in every order of arrival."""

from datetime import UTC, datetime
from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.merging import Row, Snapshot
from records.refs import merge
from records.rules import fold

BLANK: Row = {"head_sha": "", "previous_sha": "", "deleted": False, "last_push_id": None, "pushed_at": None,
              "read_at": None, "moves": []}  # fmt: skip


def moved(before: str, after: str, second: int = 0) -> Snapshot:
    pushed_at = datetime(2026, 5, 4, 9, 0, second, tzinfo=UTC)
    return Snapshot(
        {"head_sha": after, "previous_sha": before, "deleted": after == "0", "last_push_id": ord(after),
         "pushed_at": pushed_at}
    )  # fmt: skip


def stands(*moves: Snapshot) -> tuple[str, str, int, bool]:
    row, _ = fold(None, moves, BLANK, merge)
    return row["head_sha"], row["previous_sha"], row["last_push_id"], row["deleted"]


@given(length=st.integers(1, 9), data=st.data())
def test_a_chain_of_any_length_ends_where_it_ended_in_every_order_with_every_duplicate(
    length: int, data: st.DataObject
) -> None:
    names = "abcdefghij"
    chain = [moved(before, after) for before, after in pairwise(names[: length + 1])]
    arrivals = data.draw(st.permutations(chain + data.draw(st.lists(st.sampled_from(chain), max_size=4))))
    assert stands(*arrivals) == (names[length], names[length - 1], ord(names[length]), False)


@pytest.mark.parametrize("order", list(permutations([("a", "b"), ("b", "0"), ("0", "c")])))
def test_a_ref_that_is_deleted_and_made_again_in_one_second_stands(
    order: tuple[tuple[str, str], ...],
) -> None:
    assert stands(*(moved(*move) for move in order)) == ("c", "0", ord("c"), False)


@pytest.mark.parametrize("order", list(permutations([("0", "a"), ("a", "b"), ("b", "0")])))
def test_a_ref_that_is_made_and_deleted_in_one_second_is_gone(order: tuple[tuple[str, str], ...]) -> None:
    assert stands(*(moved(*move) for move in order)) == ("0", "b", ord("0"), True)


@pytest.mark.parametrize("order", list(permutations([("a", "0"), ("0", "a")])))
def test_a_ref_of_which_nothing_else_is_told_was_made_before_it_was_deleted(
    order: tuple[tuple[str, str], ...],
) -> None:
    assert stands(*(moved(*move) for move in order)) == ("0", "a", ord("0"), True)


@pytest.mark.parametrize("order", list(permutations([("a", "0"), ("0", "a")])))
def test_a_ref_that_stood_is_deleted_before_it_is_made_again_where_it_was(
    order: tuple[tuple[str, str], ...],
) -> None:
    arrivals = (moved(*move, 1) for move in order)
    assert stands(moved("x", "a"), *arrivals) == ("a", "0", ord("a"), False)


@pytest.mark.parametrize("order", list(permutations([("a", "0"), ("0", "a"), ("a", "0"), ("0", "a")])))
def test_a_ref_that_stood_before_it_was_deleted_and_made_again_stands(
    order: tuple[tuple[str, str], ...],
) -> None:
    arrivals = (moved(*move, 1) for move in order)
    assert stands(moved("0", "a"), *arrivals) == ("a", "0", ord("a"), False)


@pytest.mark.parametrize("order", list(permutations([("a", "b"), ("b", "c"), ("c", "a")])))
def test_a_ref_that_came_back_to_where_it_began_stands_where_it_stood_before(
    order: tuple[tuple[str, str], ...],
) -> None:
    arrivals = [moved(*move, 1) for move in order]
    assert stands(moved("x", "a"), *arrivals)[0] == "a"
    assert stands(*arrivals)[0] == order[-1][1], "nothing tells where it began"


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
def test_the_push_before_a_second_shows_where_it_began_though_it_arrives_late(order: tuple[int, ...]) -> None:
    for there_and_back in (("a", "b"), ("b", "a")), (("a", "0"), ("0", "a")):
        history = [moved("x", "z", 1), moved("z", "a", 1), *(moved(*move, 2) for move in there_and_back)]
        assert stands(*(history[place] for place in order))[0] == "a"


@pytest.mark.parametrize("time", [[], ["2026-05-04T09:00:00+00:00"]], ids=["before 0059", "before 0061"])
def test_a_row_of_an_older_version_keeps_where_its_second_began(time: list[str]) -> None:
    row, _ = fold(None, [moved("a", "b", 2), moved("b", "a", 2)], BLANK, merge)
    older = {**row, "moves": [["", "a", 97, *time], ["a", "b", 98], ["b", "a", 97]]}
    assert fold(older, [moved("b", "c", 2), moved("c", "a", 2)], BLANK, merge)[0]["head_sha"] == "a"
    assert fold(older, [moved("b", "c", 2), moved("c", "b", 2)], BLANK, merge)[0]["head_sha"] == "a"


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
def test_a_push_that_was_told_with_the_time_of_a_later_one_is_linked_by_the_one_between(
    order: tuple[int, ...],
) -> None:
    history = [moved("x", "a"), moved("a", "b", 3), moved("b", "c", 2), moved("c", "d", 3)]
    assert stands(*(history[place] for place in order))[0] == "d"


@given(data=st.data())
def test_a_ref_that_goes_anywhere_in_two_seconds_ends_where_it_ended_in_every_order(
    data: st.DataObject,
) -> None:
    places = data.draw(st.lists(st.sampled_from("abcs"), min_size=2, max_size=6))
    later = data.draw(st.integers(0, len(places)))
    history = [moved("0", "s")]
    for place, (before, after) in enumerate(pairwise(["s", *places])):
        one = moved(before, after, int(place >= later))
        if before == after or one in history:  # a push that says what another said does not count
            return
        history.append(one)
    arrivals = data.draw(st.permutations(history + data.draw(st.lists(st.sampled_from(history), max_size=3))))
    assert stands(*arrivals)[0] == places[-1]


def test_a_forced_push_back_and_on_is_part_of_the_chain() -> None:
    chain = [moved("x", "a"), moved("a", "b"), moved("b", "a"), moved("a", "c")]
    assert {stands(*order) for order in permutations(chain)} == {("c", "a", ord("c"), False)}


def test_a_move_of_a_later_second_is_the_newer_wherever_it_began() -> None:
    assert stands(moved("a", "b"), moved("x", "a", 1))[0] == "a"
    assert stands(moved("x", "a", 1), moved("a", "b"))[0] == "a"


def test_a_row_from_before_the_chains_were_kept_is_a_chain_of_its_own_move() -> None:
    row, _ = fold(None, [moved("b", "c")], BLANK, merge)
    row, _ = fold({**row, "moves": []}, [moved("a", "b")], BLANK, merge)
    assert row["head_sha"] == "c"
