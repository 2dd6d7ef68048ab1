"""Each attempt of a workflow run is a row, and ends as in its newest snapshot."""

from itertools import permutations

import pytest

from records.models import WorkflowRun
from tests import github
from tests.handlers.context import handle, handle_cases

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.full("postgresql")]

HISTORY = ["workflow_run__requested", "workflow_run__in_progress", "workflow_run__completed"]


async def test_a_run_is_written_field_by_field() -> None:
    assert await handle_cases("workflow_run__completed") == ["Check tables completed: failure (written)"]
    told = github.payload("workflow_run__completed")["workflow_run"]
    row = await WorkflowRun.objects.select_related("repository").aget()
    assert row.repository.full_name == "harbour-works/tide-tables"
    for name in ("run_attempt", "run_number", "name", "event", "head_branch", "head_sha", "status",
                 "conclusion"):  # fmt: skip
        assert getattr(row, name) == told[name]
    assert (row.github_id, row.actor) == (told["id"], "ada-quay")
    assert str(row.started_at) == "2026-05-04 10:00:06+00:00"
    assert str(row.updated_at) == "2026-05-04 10:02:41+00:00"


@pytest.mark.parametrize("order", list(permutations(HISTORY)))
async def test_a_run_ends_completed_in_every_order(order: tuple[str, ...]) -> None:
    await handle_cases(*order)
    row = await WorkflowRun.objects.aget()
    assert (row.status, row.conclusion) == ("completed", "failure")


@pytest.mark.parametrize("order", list(permutations(HISTORY)))
async def test_a_run_that_begins_and_ends_in_one_second_ends_completed(order: tuple[str, ...]) -> None:
    for case in order:
        payload = github.payload(case)
        payload["workflow_run"]["updated_at"] = "2026-05-04T10:00:06Z"
        await handle("workflow_run", payload)
    assert (await WorkflowRun.objects.aget()).status == "completed"


async def test_each_attempt_is_a_row_of_its_own() -> None:
    await handle_cases("workflow_run__completed_at_the_second_attempt", *HISTORY)
    rows = WorkflowRun.objects.order_by("run_attempt").values_list("run_attempt", "conclusion")
    assert [row async for row in rows] == [(1, "failure"), (2, "success")]


async def test_a_run_for_a_fork_that_is_gone_is_recorded() -> None:
    await handle_cases("workflow_run__requested_from_a_gone_fork")
    row = await WorkflowRun.objects.aget()
    assert (row.name, row.head_branch, row.actor, row.conclusion) == ("", "", "", "action_required")
