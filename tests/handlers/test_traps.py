"""Payloads of GitHub that caused outages elsewhere, each with the rows that it must leave."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import permutations
from random import Random
from typing import Any

import pytest

import schemas
from records.models import (
    Commit,
    Issue,
    IssueComment,
    PullRequest,
    Push,
    PushCommit,
    Ref,
    RefChange,
    Repository,
)
from tests import github
from tests.handlers.context import handle, handle_cases

# The cases of tests/cases, which are such traps, run on PostgreSQL.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.full("postgresql")]

ZEROS = "0" * 40


async def messages() -> list[str]:
    """Return the commits of the only push, in its order."""
    rows = PushCommit.objects.order_by("position").values_list("commit__message", flat=True)
    return [row async for row in rows]


# Bodies


async def test_nul_and_lone_surrogates() -> None:
    await handle_cases("push__text_not_storable")
    assert await messages() == ["NUL \\u0000 and a lone surrogate \\ud83c in one message"]


async def test_deep_nesting_and_huge_numbers() -> None:
    await handle_cases("issues__edited_deep_and_huge")
    assert (await Issue.objects.aget()).number == 61


async def test_an_action_of_tomorrow() -> None:
    assert await handle_cases("issues__action_of_tomorrow") == ["#61 action_of_tomorrow: open (written)"]
    assert (await Issue.objects.aget()).updated_at == datetime(2026, 5, 5, 7, 10, tzinfo=UTC)


@pytest.mark.parametrize("case", ["push__branch", "issues__opened"])
async def test_repository_times_as_integers_in_a_push_and_as_text_elsewhere(case: str) -> None:
    told = github.payload(case)["repository"]
    assert type(told["pushed_at"]) is (int if case == "push__branch" else str)
    assert type(told["updated_at"]) is str
    await handle_cases(case)
    assert (await Repository.objects.aget()).updated_at == datetime(2026, 5, 4, 9, 12, 40, tzinfo=UTC)


async def test_a_repository_owner_with_name_and_email_in_a_push() -> None:
    assert {"name", "email"} <= set(github.payload("push__branch")["repository"]["owner"])
    await handle_cases("push__branch", "issues__opened")
    assert (await Repository.objects.aget()).full_name == "harbour-works/tide-tables"


async def test_a_pusher_without_email() -> None:
    await handle_cases("push__by_a_bot")
    assert (await Push.objects.aget()).pusher == "dependabot[bot]"


async def test_a_sender_that_is_absent_and_an_installation_that_is_null() -> None:
    payload = github.payload("push__by_a_deploy_key")
    assert "sender" not in payload
    assert payload["installation"] is None
    await handle_cases("push__by_a_deploy_key")
    assert (await Push.objects.aget()).pusher == "deploy-key"
    assert await messages() == ["Publish the week of 4 May"]


async def test_a_commit_author_without_username() -> None:
    await handle_cases("push__author_without_account")
    commit = await Commit.objects.aget()
    assert (commit.author_name, commit.author_email) == ("", "scanner at archive")


async def test_author_emails_without_at_sign_over_long_of_bots_and_null() -> None:
    await handle_cases("push__author_emails")
    rows = PushCommit.objects.order_by("position").values_list("commit__author_email", flat=True)
    told = [commit["author"]["email"] or "" for commit in github.payload("push__author_emails")["commits"]]
    assert [row async for row in rows] == told
    assert len(told[1]) > 320


async def test_an_issue_body_that_is_null() -> None:
    await handle_cases("issues__opened_body_null")
    assert (await Issue.objects.aget()).number == 63


async def test_an_issue_whose_user_and_sender_are_null() -> None:
    await handle_cases("issues__author_gone")
    assert (await Issue.objects.aget()).author == ""


async def test_a_pull_request_whose_user_body_and_head_repository_are_null() -> None:
    await handle_cases("pull_request__fork_and_author_gone")
    row = await PullRequest.objects.aget()
    assert (row.author, row.head_repository, row.head_ref) == ("", "", "surge")


async def test_a_head_commit_that_is_null() -> None:
    await handle_cases("push__branch_deleted")
    assert (await Push.objects.aget()).head_commit_sha == ""


@pytest.mark.parametrize("case", ["organization__member_added", "ping__organization"])
async def test_an_event_of_an_organisation_without_repository(case: str) -> None:
    body = github.sample(case).body
    event = schemas.parse(schemas.discover(schemas).get(case.partition("__")[0], schemas.Event), body)
    assert event.repository is None
    [note] = await handle_cases(case)
    assert note.endswith("(written)")
    assert await Repository.objects.acount() == 0


# Push


async def test_a_deleted_ref() -> None:
    await handle_cases("push__branch_created", "push__branch_deleted")
    ref = await Ref.objects.aget()
    assert (ref.name, ref.head_sha, ref.deleted) == ("refs/heads/neap-tides", ZEROS, True)
    assert await Push.objects.filter(deleted=True, after=ZEROS).acount() == 1


async def test_a_created_ref() -> None:
    await handle_cases("push__branch_created")
    push, ref = await Push.objects.aget(), await Ref.objects.aget()
    assert (push.created, push.before) == (True, ZEROS)
    assert (ref.head_sha, ref.deleted) == (push.after, False)


async def test_a_lightweight_tag() -> None:
    await handle_cases("push__tag_lightweight")
    push = await Push.objects.aget()
    assert (push.ref, push.after, push.head_commit_sha) == ("refs/tags/nightly", push.after, push.after)
    assert (await Ref.objects.aget()).name == "refs/tags/nightly"


async def test_an_annotated_tag_whose_after_is_no_commit() -> None:
    await handle_cases("push__tag_annotated")
    push, told = await Push.objects.aget(), github.payload("push__tag_annotated")
    assert (push.after, push.head_commit_sha) == (told["after"], told["head_commit"]["id"])
    assert push.after != push.head_commit_sha
    assert (await Ref.objects.aget()).head_sha == told["after"]


async def test_a_forced_push_without_commits_but_with_a_head_commit() -> None:
    await handle_cases("push__branch", "push__branch_forced")
    told = github.payload("push__branch_forced")
    push = await Push.objects.aget(forced=True)
    assert (push.head_commit_sha, await push.commits.acount()) == (told["head_commit"]["id"], 0)
    assert (await Ref.objects.aget()).head_sha == told["after"]


async def test_a_commit_that_is_not_distinct_and_whose_earlier_push_was_missed() -> None:
    await handle_cases("push__commit_not_distinct")
    told = github.payload("push__commit_not_distinct")["commits"]
    assert [commit["distinct"] for commit in told].count(False) == 1
    assert await messages() == [commit["message"] for commit in told]


async def test_a_merge_queue_ref() -> None:
    await handle_cases("push__merge_queue")
    ref = await Ref.objects.aget()
    assert ref.name.startswith("refs/heads/gh-readonly-queue/main/pr-58-")
    assert (await Push.objects.aget()).created


async def test_commit_times_with_offsets_and_messages_in_many_scripts() -> None:
    await handle_cases("push__many_scripts")
    told = github.payload("push__many_scripts")["commits"]
    assert await messages() == [commit["message"] for commit in told]
    rows = PushCommit.objects.order_by("position").values_list("commit__committed_at", flat=True)
    assert [row async for row in rows] == [datetime.fromisoformat(commit["timestamp"]) for commit in told]


async def test_fewer_than_2048_commits_are_all() -> None:
    payload = github.payload("push__branch")
    [template, *_] = payload["commits"]
    payload["commits"] = [{**template, "id": f"{number:040x}"} for number in range(2047)]
    await handle("push", payload)
    assert not (await Push.objects.aget()).truncated


async def test_the_same_event_under_another_guid() -> None:
    await handle_cases("push__branch", "push__branch", "issues__opened", "issues__opened")
    assert (await Push.objects.acount(), await Commit.objects.acount(), await Issue.objects.acount()) == (
        1, 3, 1,
    )  # fmt: skip


async def test_the_longest_name_of_a_ref_fits_into_every_index() -> None:
    random = Random(5)  # noqa: S311 - only so that PostgreSQL cannot compress it
    name = "".join(chr(random.randrange(0x10000, 0x110000)) for _ in range(489))
    await handle("push", {**github.payload("push__branch"), "ref": f"refs/heads/{name}"})
    await handle("create", {**github.payload("create__branch"), "ref": name, "ref_type": "branch" * 16})
    assert (await Ref.objects.aget()).name == f"refs/heads/{name}"
    assert (await RefChange.objects.aget()).ref == name


# Pull requests and issues


async def test_merged_is_closed_with_merged_and_until_then_its_commit_is_a_test() -> None:
    await handle_cases("pull_request__closed")
    row = await PullRequest.objects.aget()
    assert github.payload("pull_request__closed")["pull_request"]["merge_commit_sha"]
    assert (row.state, row.merge_commit_sha) == ("closed", "")
    await handle_cases("pull_request__closed_merged")
    await row.arefresh_from_db()
    told = github.payload("pull_request__closed_merged")["pull_request"]
    assert (row.state, row.merge_commit_sha) == ("merged", told["merge_commit_sha"])


@pytest.mark.parametrize(("end", "state"), [("closed", "closed"), ("closed_merged", "merged")])
async def test_a_late_synchronize_does_not_reopen_or_unmerge(end: str, state: str) -> None:
    await handle_cases(f"pull_request__{end}", "pull_request__synchronize")
    assert (await PullRequest.objects.aget()).state == state


async def test_of_one_second_the_later_arrival_wins() -> None:
    await handle_cases("issues__opened", "issues__edited_in_the_same_second")
    assert (await Issue.objects.aget()).title == "Low water at Gull Rock is late"


async def test_a_snapshot_of_the_second_of_the_merge_does_not_unmerge() -> None:
    await handle_cases("pull_request__closed_merged", "pull_request__labeled_in_the_second_of_the_merge")
    assert (await PullRequest.objects.aget()).state == "merged"


async def test_reopened_after_closed_is_legal_and_newer() -> None:
    await handle_cases("pull_request__closed", "pull_request__reopened")
    assert (await PullRequest.objects.aget()).state == "open"


async def test_merged_is_never_reopened() -> None:
    reopened = github.payload("pull_request__reopened")
    reopened["pull_request"]["updated_at"] = "2026-05-09T00:00:00Z"
    await handle_cases("pull_request__closed_merged")
    await handle("pull_request", reopened)
    assert (await PullRequest.objects.aget()).state == "merged"


@pytest.mark.parametrize(
    ("case", "delta", "labels", "assignees"),
    [
        ("issues__labeled", {"label": "question"}, ["data", "tides"], []),
        ("issues__assigned", {"assignee": "bo-lindqvist"}, ["data"], ["ada-quay"]),
    ],
)
async def test_the_snapshot_counts_and_not_the_delta(
    case: str, delta: dict[str, str], labels: list[str], assignees: list[str]
) -> None:
    payload = github.payload(case)
    for part, name in delta.items():
        assert name in payload[part].values()
    await handle_cases(case)
    row = await Issue.objects.aget()
    assert (row.labels, row.assignees) == (labels, assignees)


TRANSFER = ["issues__opened", "issues__transferred", "issues__opened_by_transfer"]


@pytest.mark.parametrize("order", list(permutations(TRANSFER)))
async def test_a_transfer_in_every_order(order: Sequence[str]) -> None:
    await handle_cases(*order)
    old = await Issue.objects.aget(repository__full_name="harbour-works/tide-tables")
    new = await Issue.objects.aget(repository__full_name="harbour-works/almanac")
    assert (old.number, old.deleted, old.transferred_to) == (61, True, "harbour-works/almanac#7")
    assert (new.number, new.deleted, new.state) == (7, False, "open")


@pytest.mark.parametrize("order", list(permutations(["issues__opened", "issues__deleted", "issues__edited"])))
async def test_deleted_leaves_a_trace_that_a_late_edit_does_not_revive(order: Sequence[str]) -> None:
    await handle_cases(*order)
    row = await Issue.objects.aget()
    assert (row.number, row.deleted) == (61, True)


async def test_comments_on_a_pull_request_arrive_as_issue_comment() -> None:
    await handle_cases("issue_comment__created_on_pull_request")
    row = await IssueComment.objects.aget()
    assert (row.number, row.on_pull_request) == (58, True)
    assert await Issue.objects.acount() == 0


async def test_an_edit_with_empty_changes() -> None:
    payload: dict[str, Any] = github.payload("issues__edited_changes_empty")
    assert payload["changes"] == {}
    await handle_cases("issues__opened", "issues__edited_changes_empty")
    assert (await Issue.objects.aget()).title == payload["issue"]["title"]


async def test_a_rename_after_which_deliveries_carry_the_new_name() -> None:
    await handle_cases("repository__renamed", "push__after_rename", "push__branch")
    row = await Repository.objects.aget()
    assert (row.full_name, await row.pushes.acount()) == ("harbour-works/tides", 2)


@pytest.mark.parametrize("order", list(permutations(["repository__transferred", "issues__opened"])))
async def test_a_transferred_repository_has_the_new_owner_though_a_payload_comes_late(
    order: Sequence[str],
) -> None:
    await handle_cases(*order)
    row = await Repository.objects.aget()
    assert (row.github_id, row.full_name) == (810200300, "quay-trust/tide-tables")


@pytest.mark.parametrize(
    ("case", "flag"),
    [("repository__archived", "archived"), ("repository__privatized", "private"),
     ("repository__deleted", "deleted")],
)  # fmt: skip
async def test_an_archived_privatised_or_deleted_repository_stays_so(case: str, flag: str) -> None:
    await handle_cases(case, "push__branch", "issues__opened")
    assert getattr(await Repository.objects.aget(), flag)
