"""Discussions end as in their newest snapshot; a deleted one leaves a tombstone."""

import pytest

from records.models import Discussion
from tests import github
from tests.handlers.context import handle, handle_cases
from tests.handlers.orders import end_in_every_order, payloads

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_discussion_is_written_field_by_field() -> None:
    assert await handle_cases("discussion__answered") == ["#70 answered: open (apply)"]
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
