"""Pull requests, issues and repositories keep the newest state, in every order of their deliveries."""

from itertools import permutations
from typing import Any

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
    assert row.updated_at
    assert row.updated_at.strftime("%Y-%m-%dT%H:%M:%SZ") == told["updated_at"]
    assert row.merge_commit_sha == (told["merge_commit_sha"] if state == "merged" else "")


HISTORY = [
    "pull_request__opened",
    "pull_request__synchronize",
    "pull_request__closed",
    "pull_request__closed_merged",
]


@pytest.mark.full("postgresql")  # where tests/records/test_histories.py has orders
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
    updated_at = (await PullRequest.objects.aget()).updated_at
    assert updated_at
    assert updated_at.minute == 30


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


def snapshot(case: str, **changes: Any) -> dict[str, Any]:
    """Return one of the project's payloads with parts of its pull request or issue replaced."""
    payload = github.payload(case)
    payload["pull_request" if "pull_request" in payload else "issue"] |= changes
    return payload


async def test_a_merged_pull_request_is_still_labeled_and_keeps_what_the_payload_lacks() -> None:
    await handle_cases("pull_request__closed_merged")
    before = await PullRequest.objects.aget()
    later = snapshot(
        "pull_request__closed_merged", labels=[{"name": "done"}], updated_at="2027-01-01T00:00:00Z"
    )
    del later["pull_request"]["head"], later["pull_request"]["merge_commit_sha"]
    await handle("pull_request", later | {"action": "labeled"})
    row = await PullRequest.objects.aget()
    assert (row.state, row.labels) == ("merged", ["done"])
    for name in ("head_repository", "head_sha", "merge_commit_sha"):
        assert getattr(row, name) == getattr(before, name) != ""


async def test_null_lists_and_absent_fields_leave_the_row_as_it_is() -> None:
    await handle("issues", snapshot("issues__opened", labels=[{"name": "leak"}], locked=True))
    sparse = snapshot("issues__edited", labels=None, assignees=None)
    for name in ("state", "locked"):
        sparse["issue"].pop(name, None)
    await handle("issues", sparse)
    row = await Issue.objects.aget()
    assert (row.state, row.labels, row.locked) == ("open", ["leak"], True)
    assert row.title == sparse["issue"]["title"]


async def test_the_newest_pinned_or_unpinned_action_decides_whether_an_issue_is_pinned() -> None:
    times = [("pinned", "09:00"), ("edited", "09:02"), ("unpinned", "09:03"), ("edited", "09:04")]
    deliveries = [
        snapshot("issues__edited", updated_at=f"2026-05-04T{time}:00Z") | {"action": action}
        for action, time in times
    ]
    for delivery, pinned in [(deliveries[1], False), (deliveries[0], True), (deliveries[3], True)]:
        await handle("issues", delivery)
        assert (await Issue.objects.aget()).pinned is pinned
    await handle("issues", deliveries[2])
    row = await Issue.objects.aget()
    assert (row.pinned, row.updated_at and row.updated_at.minute) == (False, 4)


async def test_a_late_push_of_the_second_of_a_rename_does_not_rename_the_repository_back() -> None:
    renamed, push = github.payload("repository__renamed"), github.payload("push__branch")
    push["repository"]["updated_at"] = renamed["repository"]["updated_at"]
    for event, payload in (("push", push), ("repository", renamed), ("push", push)):
        await handle(event, payload)
    row = await Repository.objects.aget()
    assert (row.full_name, row.previous_full_name) == ("harbour-works/tides", "harbour-works/tide-tables")


async def test_a_repository_is_archived_made_private_and_handed_over() -> None:
    payload = github.payload("repository__archived")
    payload["repository"] |= {"private": True, "full_name": "ada-quay/tide-tables"}
    payload |= {"changes": {"owner": {"from": {"organization": {"login": "harbour-works"}}}}}
    await handle("repository", payload)
    row = await Repository.objects.aget()
    assert (row.archived, row.private, row.full_name, row.previous_full_name) == (
        True, True, "ada-quay/tide-tables", "harbour-works/tide-tables",
    )  # fmt: skip


async def test_a_ping_keeps_what_the_hook_is_configured_to_send() -> None:
    await handle_cases("ping__repository")
    payload = github.payload("ping__repository")
    payload["hook"] |= {"active": False, "events": ["push", "issues"], "config": {"content_type": "form"}}
    await handle("ping", payload)
    hook = await Hook.objects.select_related("repository").aget()
    assert (hook.hook_id, hook.active, hook.events, hook.content_type) == (
        payload["hook_id"], False, ["issues", "push"], "form",
    )  # fmt: skip
    assert hook.repository is not None
    assert hook.repository.full_name == "harbour-works/tide-tables"


async def test_the_ping_of_an_organisation_writes_its_hook_and_no_repository() -> None:
    assert await handle_cases("ping__organization") == ["hook of an organisation (written)"]
    told = github.payload("ping__organization")
    hook = await Hook.objects.aget()
    assert (hook.hook_id, hook.organization, hook.repository_id) == (
        told["hook_id"], told["organization"]["login"], None,
    )  # fmt: skip
    assert await Repository.objects.acount() == 0
