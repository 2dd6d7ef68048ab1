"""Pull requests, issues and repositories keep the newest state, in whatever order GitHub tells it."""

from itertools import permutations

import pytest

from records.models import Hook, Issue, PullRequest, Repository
from tests import github
from tests.handlers.context import handle, handle_cases

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("case", "state"),
    [
        ("pull_request__opened", "open"),
        ("pull_request__edited", "open"),
        ("pull_request__synchronize", "open"),
        ("pull_request__converted_to_draft", "open"),
        ("pull_request__closed", "closed"),
        ("pull_request__reopened", "open"),
        ("pull_request__closed_merged", "merged"),
    ],
)
async def test_each_action_of_a_pull_request_is_written_field_by_field(case: str, state: str) -> None:
    await handle_cases(case)
    told = github.payload(case)["pull_request"]
    row = await PullRequest.objects.select_related("repository").aget()
    assert row.repository.github_id == 810200300
    assert (row.number, row.title, row.state, row.draft) == (
        told["number"],
        told["title"],
        state,
        told["draft"],
    )
    assert (row.head_sha, row.head_ref, row.base_ref) == (
        told["head"]["sha"],
        told["head"]["ref"],
        told["base"]["ref"],
    )
    assert row.updated_at.strftime("%Y-%m-%dT%H:%M:%SZ") == told["updated_at"]
    assert row.merge_commit_sha == (told["merge_commit_sha"] if state == "merged" else "")


HISTORY = [
    "pull_request__opened",
    "pull_request__synchronize",
    "pull_request__closed",
    "pull_request__closed_merged",
]


@pytest.mark.parametrize(
    "order", list(permutations(HISTORY)), ids=lambda order: "-".join(case[14:] for case in order)
)
async def test_a_merged_pull_request_is_merged_in_every_order_of_its_history(order: tuple[str, ...]) -> None:
    await handle_cases(*order)
    row = await PullRequest.objects.aget()
    assert (row.state, row.title) == ("merged", "Predict storm surges from the barometer")
    assert (
        row.merge_commit_sha
        == github.payload("pull_request__closed_merged")["pull_request"]["merge_commit_sha"]
    )


async def test_a_closed_pull_request_may_be_reopened_but_not_by_a_late_snapshot() -> None:
    await handle_cases("pull_request__closed", "pull_request__reopened", "pull_request__closed")
    assert (await PullRequest.objects.aget()).state == "open"
    await handle_cases("pull_request__opened")
    assert (await PullRequest.objects.aget()).updated_at.minute == 30


async def test_a_pull_request_whose_fork_and_author_are_gone_is_recorded() -> None:
    await handle_cases("pull_request__fork_and_author_gone")
    assert (await PullRequest.objects.aget()).author == ""


@pytest.mark.parametrize("case", ["issues__opened", "issues__edited", "issues__closed", "issues__reopened"])
async def test_each_action_of_an_issue_is_written_field_by_field(case: str) -> None:
    await handle_cases(case)
    told = github.payload(case)["issue"]
    row = await Issue.objects.aget()
    assert (row.number, row.title, row.state, row.state_reason or None, row.author) == (
        told["number"], told["title"], told["state"], told["state_reason"], told["user"]["login"],
    )  # fmt: skip


@pytest.mark.parametrize("order", list(permutations(["issues__opened", "issues__edited", "issues__closed"])))
async def test_an_issue_ends_closed_in_every_order_of_its_history(order: tuple[str, ...]) -> None:
    await handle_cases(*order)
    row = await Issue.objects.aget()
    assert (row.state, row.state_reason) == ("closed", "completed")


async def test_a_deleted_issue_stays_deleted_whatever_comes_late() -> None:
    await handle_cases("issues__deleted", "issues__edited", "issues__reopened")
    assert (await Issue.objects.aget()).deleted


async def test_an_issue_whose_author_is_gone_is_recorded() -> None:
    await handle_cases("issues__author_gone")
    assert (await Issue.objects.aget()).author == ""


async def test_of_two_snapshots_of_one_second_the_later_arrival_wins() -> None:
    payload = github.payload("issues__opened")
    await handle("issues", payload)
    payload["issue"]["title"] = "Told later in the same second"
    await handle("issues", payload)
    assert (await Issue.objects.aget()).title == "Told later in the same second"


async def test_a_renamed_repository_keeps_its_row_and_is_not_renamed_back_by_a_late_push() -> None:
    await handle_cases("repository__created", "repository__renamed", "push__branch", "ping__repository")
    row = await Repository.objects.aget()
    assert (row.github_id, row.full_name) == (810200300, "harbour-works/tides")


async def test_a_deleted_repository_stays_deleted_when_a_push_comes_late() -> None:
    await handle_cases("repository__deleted", "push__branch")
    assert (await Repository.objects.aget()).deleted


async def test_the_ping_of_an_organisation_writes_its_hook_and_no_repository() -> None:
    assert await handle_cases("ping__organization") == ["hook of an organisation (apply)"]
    told = github.payload("ping__organization")
    hook = await Hook.objects.aget()
    assert (hook.hook_id, hook.organization, hook.repository_id) == (
        told["hook_id"], told["organization"]["login"], None,
    )  # fmt: skip
    assert await Repository.objects.acount() == 0


async def test_a_ping_is_enough_to_know_the_repository() -> None:
    await handle_cases("ping__repository")
    assert (await Repository.objects.aget()).full_name == "harbour-works/tide-tables"
