"""Discussions end as in their newest snapshot; a deleted one leaves a tombstone."""

from typing import Any

import pytest

from records.models import Discussion
from tests import github
from tests.handlers.context import handle, handle_cases
from tests.handlers.orders import end_in_every_order, end_of, payloads

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.full("postgresql")]


async def test_a_discussion_is_written_field_by_field() -> None:
    assert await handle_cases("discussion__answered") == ["#70 answered: open (written)"]
    row = await Discussion.objects.select_related("repository").aget()
    assert row.repository.full_name == "harbour-works/tide-tables"
    assert (row.number, row.title, row.category) == (70, "Which datum?", "Q&A")
    assert (row.author, row.labels, row.locked) == ("bo-lindqvist", ["tides"], False)
    assert (row.state, row.state_reason, row.answer_chosen_by) == ("open", "", "bo-lindqvist")
    assert str(row.answered_at) == str(row.updated_at) == "2026-05-06 09:00:00+00:00"
    assert str(row.created_at) == "2026-05-06 08:00:00+00:00"


async def test_a_discussion_keeps_the_label_of_the_second_in_which_it_was_created() -> None:
    history = payloads("discussion__created", "discussion__labeled")
    assert (await end_in_every_order(Discussion, history))["labels"] == ["tides"]


async def test_a_discussion_keeps_the_lock_and_category_of_the_second_in_which_it_was_edited() -> None:
    history = payloads("discussion__labeled", "discussion__labeled", "discussion__labeled")
    for place, (_, payload) in enumerate(history):
        payload["action"] = ("edited", "locked", "category_changed")[place]
        payload["discussion"] |= {"locked": place > 0, "category": {"name": "Q&A" if place < 2 else "Ideas"}}
    history[2][1]["changes"] = {"category": {"from": {"name": "Q&A"}}}
    row = await end_in_every_order(Discussion, history)
    assert (row["locked"], row["category"]) == (True, "Ideas")


async def test_a_discussion_ends_closed_in_every_order() -> None:
    row = await end_in_every_order(
        Discussion, payloads("discussion__created", "discussion__answered", "discussion__closed")
    )
    assert (row["state"], row["state_reason"]) == ("closed", "resolved")


async def test_an_answer_that_is_taken_back_is_gone() -> None:
    await handle_cases("discussion__answered")
    payload = github.payload("discussion__created") | {"action": "unanswered"}
    payload["discussion"]["updated_at"] = "2026-05-06T09:10:00Z"
    await handle("discussion", payload)
    row = await Discussion.objects.aget()
    assert (row.answered_at, row.answer_chosen_by) == (None, "")


@pytest.mark.parametrize(
    ("last", "destination"), [("deleted", ""), ("transferred", "harbour-works/charts#4")]
)
async def test_a_discussion_that_is_gone_leaves_a_tombstone_in_every_order(
    last: str, destination: str
) -> None:
    row = await end_in_every_order(
        Discussion, payloads("discussion__created", "discussion__answered", f"discussion__{last}")
    )
    assert (row["deleted"], row["transferred_to"]) == (True, destination)


async def test_a_pinned_discussion_stays_pinned_whatever_older_snapshots_come() -> None:
    payload = github.payload("discussion__answered") | {"action": "pinned"}
    history = [*payloads("discussion__labeled", "discussion__closed"), ("discussion", payload)]
    assert (await end_in_every_order(Discussion, history))["pinned"] is True


def of_one_second(*steps: tuple[str, dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """Return payloads of one second, each with the changes of all before it."""
    history = payloads(*("discussion__created" for _ in steps))
    state: dict[str, Any] = {}
    for (_, payload), (action, now) in zip(history, steps, strict=True):
        state |= now
        payload["action"] = action
        payload["discussion"] |= {**state, "updated_at": "2026-05-06T09:00:00Z"}
    return history


OPEN, CLOSED = {"state": "open", "state_reason": None}, {"state": "closed", "state_reason": "resolved"}
LABELS = {"labels": [{"name": "tides"}]}
ANSWER = {"answer_chosen_at": "2026-05-06T09:00:00Z", "answer_chosen_by": {"login": "ada"}}


async def test_a_discussion_that_was_closed_before_is_open_after_it_was_reopened() -> None:
    history = of_one_second(("edited", {**CLOSED, "labels": []}), ("reopened", OPEN))
    assert (await end_in_every_order(Discussion, history))["state"] == "open"


async def test_a_discussion_that_is_closed_and_locked_in_one_second_is_locked() -> None:
    history = of_one_second(
        ("edited", OPEN), ("closed", CLOSED), ("locked", {"state": "locked", "locked": True})
    )
    row = await end_in_every_order(Discussion, history)
    assert (row["state"], row["locked"]) == ("locked", True)


async def test_a_discussion_that_is_unlocked_in_one_second_is_open() -> None:
    history = of_one_second(
        ("labeled", {"state": "locked", "locked": True, **LABELS}), ("unlocked", {**OPEN, "locked": False})
    )
    row = await end_in_every_order(Discussion, history)
    assert (row["state"], row["locked"]) == ("open", False)


async def test_an_answer_of_the_second_in_which_a_label_was_added_stays() -> None:
    history = of_one_second(("labeled", LABELS), ("answered", ANSWER))
    assert (await end_in_every_order(Discussion, history))["answer_chosen_by"] == "ada"


async def test_an_answer_that_was_chosen_and_taken_back_in_one_second_is_as_the_last_arrival_says() -> None:
    none = {"answer_chosen_at": None, "answer_chosen_by": None}
    answered, unanswered = of_one_second(("answered", ANSWER), ("unanswered", none))
    assert (await end_of(Discussion, [answered, unanswered]))["answer_chosen_by"] == ""
    assert (await end_of(Discussion, [unanswered, answered]))["answer_chosen_by"] == "ada"
