"""Check suites and workflow jobs end completed, in every order of their deliveries."""

import pytest

from records.models import CheckSuite, WorkflowJob
from tests import github
from tests.handlers.context import handle, handle_cases
from tests.handlers.orders import end_in_every_order, payloads

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.full("postgresql")]


async def test_a_suite_is_written_field_by_field() -> None:
    assert await handle_cases("check_suite__completed") == ["github-actions completed: success (written)"]
    told = github.payload("check_suite__completed")["check_suite"]
    row = await CheckSuite.objects.select_related("repository").aget()
    assert row.repository.full_name == "harbour-works/tide-tables"
    assert (row.github_id, row.head_sha, row.head_branch) == (told["id"], told["head_sha"], "main")
    assert (row.status, row.conclusion, row.app) == ("completed", "success", "github-actions")
    assert str(row.created_at) == "2026-05-04 10:00:06+00:00"
    assert str(row.updated_at) == "2026-05-04 10:02:41+00:00"


@pytest.mark.parametrize("end", ["2026-05-04T10:02:41Z", "2026-05-04T10:00:06Z"], ids=["later", "at once"])
async def test_a_suite_ends_completed_in_every_order(end: str) -> None:
    history = payloads("check_suite__requested", "check_suite__completed")
    history[1][1]["check_suite"]["updated_at"] = end
    assert (await end_in_every_order(CheckSuite, history))["conclusion"] == "success"


async def test_a_suite_that_is_asked_for_again_is_under_way_in_every_order() -> None:
    cases = ("check_suite__requested", "check_suite__completed", "check_suite__rerequested_by_a_gone_app")
    row = await end_in_every_order(CheckSuite, payloads(*cases))
    assert (row["status"], row["conclusion"], row["app"], row["head_branch"]) == ("queued", "", "", "")


async def test_a_job_is_written_field_by_field() -> None:
    assert await handle_cases("workflow_job__completed") == ["tables (north) completed: success (written)"]
    told = github.payload("workflow_job__completed")["workflow_job"]
    row = await WorkflowJob.objects.select_related("repository").aget()
    assert row.repository.full_name == "harbour-works/tide-tables"
    assert (row.github_id, row.run_id, row.run_attempt) == (told["id"], told["run_id"], 1)
    assert (row.name, row.workflow, row.runner) == ("tables (north)", "tables", "GitHub Actions 31")
    assert (row.head_sha, row.head_branch, row.labels) == (told["head_sha"], "main", ["ubuntu-latest"])
    assert (row.status, row.conclusion) == ("completed", "success")
    assert str(row.started_at) == "2026-05-04 10:00:19+00:00"
    assert str(row.completed_at) == str(row.updated_at) == "2026-05-04 10:02:40+00:00"


async def test_a_job_ends_completed_in_every_order_although_no_snapshot_has_its_time() -> None:
    history = payloads(*(f"workflow_job__{state}" for state in ("waiting", "queued", "in_progress")))
    assert (await end_in_every_order(WorkflowJob, history))["status"] == "in_progress"
    history = [*history[1:], *payloads("workflow_job__completed")]
    assert (await end_in_every_order(WorkflowJob, history))["status"] == "completed"


async def test_a_job_waits_for_the_approval_of_its_deployment_though_it_was_queued_before() -> None:
    # https://github.com/runs-on/runs-on/issues/539
    history = payloads("workflow_job__queued", "workflow_job__waiting", "workflow_job__queued")
    for second, (_, payload) in enumerate(history):
        payload["deployment"] = {"updated_at": f"2026-05-04T10:00:1{second}Z"}
    assert (await end_in_every_order(WorkflowJob, history[:2]))["status"] == "waiting"
    assert (await end_in_every_order(WorkflowJob, history))["status"] == "queued"
    history += payloads("workflow_job__in_progress")
    assert (await end_in_every_order(WorkflowJob, history[1:]))["status"] == "in_progress"


async def test_a_job_whose_runners_clock_is_behind_ends_completed() -> None:
    history = payloads("workflow_job__in_progress", "workflow_job__completed")
    history[1][1]["workflow_job"] |= {"started_at": "2020-01-01T00:00:00Z", "completed_at": None}
    assert (await end_in_every_order(WorkflowJob, history))["status"] == "completed"


async def test_a_job_of_an_older_server_is_recorded() -> None:
    payload = github.payload("workflow_job__queued")
    for name in ("run_attempt", "workflow_name", "head_branch", "created_at", "labels"):
        del payload["workflow_job"][name]
    await handle("workflow_job", payload)
    row = await WorkflowJob.objects.aget()
    assert (row.run_attempt, row.workflow, row.head_branch, row.labels) == (1, "", "", [])
