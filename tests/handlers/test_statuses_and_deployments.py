"""Statuses of commits and deployments are stored as they were posted; a deployment has the newest."""

import pytest

from records.models import CommitStatus, Deployment, DeploymentStatus
from tests import github
from tests.handlers.context import handle_cases
from tests.handlers.orders import end_in_every_order, payloads

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.full("postgresql")]

POSTS = [f"deployment_status__created_{state}" for state in ("queued", "in_progress", "success")]


async def test_a_state_of_a_commit_is_written_field_by_field() -> None:
    assert await handle_cases("status__success") == ["ci/harbour: success (written)"]
    told = github.payload("status__success")
    row = await CommitStatus.objects.select_related("repository").aget()
    assert row.repository.full_name == "harbour-works/tide-tables"
    assert (row.github_id, row.sha, row.context, row.state) == (
        told["id"], told["sha"], "ci/harbour", "success",
    )  # fmt: skip
    assert (row.description, row.target_url, row.creator) == (
        "Build 77 is done", "https://harbour.example/builds/77", "ada-quay",
    )  # fmt: skip
    assert str(row.created_at) == str(row.updated_at) == "2026-05-04 10:01:00+00:00"


async def test_states_of_one_second_are_kept_each_and_the_greatest_id_is_the_newest() -> None:
    await handle_cases("status__success", "status__pending", "status__success")
    rows = [row.state async for row in CommitStatus.objects.order_by("-github_id")]
    assert rows == ["success", "pending"]


async def test_a_deployment_is_written_field_by_field() -> None:
    assert await handle_cases("deployment__created") == ["main to production (written)"]
    told = github.payload("deployment__created")["deployment"]
    row = await Deployment.objects.select_related("repository").aget()
    assert row.repository.full_name == "harbour-works/tide-tables"
    assert (row.github_id, row.sha, row.ref, row.task) == (told["id"], told["sha"], "main", "deploy")
    assert (row.environment, row.production, row.transient) == ("production", True, False)
    assert (row.creator, row.state, row.status_id, row.description) == ("ada-quay", "", None, "")
    assert str(row.created_at) == str(row.updated_at) == "2026-05-04 11:00:00+00:00"


async def test_a_deployment_has_the_newest_of_the_states_of_one_second_in_every_order() -> None:
    row = await end_in_every_order(Deployment, payloads("deployment__created", *POSTS))
    assert (row["state"], row["status_id"]) == ("success", 2200400503)


async def test_every_state_of_a_deployment_is_kept() -> None:
    notes = await handle_cases(*POSTS, POSTS[0])
    assert notes[-2:] == ["production: success (written)", "production: queued (unchanged)"]
    rows = [row async for row in DeploymentStatus.objects.order_by("github_id")]
    assert [(row.state, row.deployment_id) for row in rows] == [
        (state, 2100300400) for state in ("queued", "in_progress", "success")
    ]
    assert (rows[2].environment, rows[2].description) == ("production", "Tables are live")
    assert rows[2].creator == "dependabot[bot]"
