"""Labels and milestones end as they were last edited, and stay deleted."""

from typing import Any

import pytest

from records.models import Label, Milestone
from tests import github
from tests.handlers.context import handle, handle_cases
from tests.handlers.orders import end_in_every_order, payloads

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.full("postgresql")]

LABEL = ["label__created", "label__edited", "label__edited_again"]
SECOND = "2026-05-07T08:00:00Z"


async def test_a_label_is_written_field_by_field() -> None:
    assert await handle_cases("label__created") == ["tides created (written)"]
    row = await Label.objects.select_related("repository").aget()
    assert row.repository.full_name == "harbour-works/tide-tables"
    assert (row.github_id, row.name, row.color) == (5300400500, "tides", "1d76db")
    assert (row.description, row.default, row.deleted) == ("Heights and times", False, False)


async def test_a_label_ends_as_it_was_last_edited_though_no_label_has_a_time() -> None:
    row = await end_in_every_order(Label, payloads(*LABEL))
    assert (row["name"], row["description"], row["deleted"]) == ("heights", "", False)


async def test_a_label_that_was_deleted_stays_so_in_every_order() -> None:
    row = await end_in_every_order(Label, payloads(*LABEL[1:], "label__deleted"))
    assert (row["name"], row["deleted"]) == ("heights", True)


async def test_the_repositorys_time_orders_a_labels_edits_before_their_texts_do() -> None:
    history = payloads("label__edited", "label__edited")
    history[1][1]["repository"]["updated_at"] = "2026-05-05T00:00:00Z"
    history[1][1]["label"]["color"] = "ffffff"
    assert (await end_in_every_order(Label, history))["color"] == "ffffff"


async def test_a_milestone_is_written_field_by_field() -> None:
    assert await handle_cases("milestone__closed") == ["Spring tides closed: closed (written)"]
    row = await Milestone.objects.select_related("repository").aget()
    assert row.repository.full_name == "harbour-works/tide-tables"
    assert (row.number, row.title, row.description) == (4, "Spring tides", "All tables of spring")
    assert (row.state, row.creator, row.deleted) == ("closed", "ada-quay", False)
    assert str(row.due_on) == "2026-05-31 07:00:00+00:00"
    assert str(row.created_at) == "2026-03-01 08:00:00+00:00"
    assert str(row.closed_at) == str(row.updated_at) == "2026-05-07 08:00:00+00:00"


@pytest.mark.parametrize("last", ["edited", "closed", "opened", "deleted"])
async def test_a_milestone_ends_as_its_last_action_left_it_in_every_order(last: str) -> None:
    actions = ["created", "edited", "closed", "opened", "deleted"]
    upto = actions[: actions.index(last) + 1][-3:]
    row = await end_in_every_order(Milestone, payloads(*(f"milestone__{action}" for action in upto)))
    told = github.payload(f"milestone__{last}")["milestone"]
    assert (row["state"], row["title"]) == (told["state"], "Spring tides")
    assert row["deleted"] is (last == "deleted")


async def test_a_milestone_closed_in_the_second_of_its_edit_is_closed_in_both_orders() -> None:
    history = payloads("milestone__edited", "milestone__closed")
    for _, payload in history:
        payload["milestone"]["updated_at"] = SECOND
    assert (await end_in_every_order(Milestone, history))["state"] == "closed"


async def test_a_milestone_opened_in_the_second_of_its_closing_is_open() -> None:
    for case in ("milestone__closed", "milestone__opened"):
        payload: dict[str, Any] = github.payload(case)
        payload["milestone"]["updated_at"] = SECOND
        await handle("milestone", payload)
    assert (await Milestone.objects.aget()).state == "open"
