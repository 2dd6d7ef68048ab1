"""GitHub's published examples become rows that equal the payload, compared with the plain JSON."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from records.models import Commit, Hook, Issue, PullRequest, Push, PushCommit, Ref, Repository
from tests import github
from tests.handlers.context import handle

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        not github.OCTOKIT.exists(), reason="GitHub's examples do not lie beside the checkout"
    ),
]

Payload = dict[str, Any]


def examples(event: str) -> list[Path]:
    return sorted(github.OCTOKIT.glob(f"{event}__*.json"))


def of(event: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", examples(event), ids=lambda path: path.stem)


async def handled(path: Path) -> Payload:
    payload: Payload = json.loads(path.read_text())
    await handle(path.name.partition("__")[0], json.loads(path.read_text()))
    return payload


def moment(told: str | int) -> datetime:
    return datetime.fromtimestamp(told, UTC) if isinstance(told, int) else datetime.fromisoformat(told)


def login(user: Payload | None) -> str:
    return user["login"] if user else ""


async def check_repository(row: Repository, told: Payload, *, deleted: bool = False) -> None:
    assert row.github_id == told["id"]
    assert row.full_name == told["full_name"]
    assert row.private is told["private"]
    assert row.archived is told.get("archived", False)
    assert row.default_branch == told.get("default_branch", "")
    assert row.updated_at == moment(told["updated_at"])
    assert row.deleted is deleted


@of("push")
async def test_a_push(path: Path) -> None:
    payload = await handled(path)
    push = await Push.objects.select_related("repository").aget()
    await check_repository(push.repository, payload["repository"])
    for name in ("ref", "before", "after", "created", "deleted", "forced"):
        assert getattr(push, name) == payload[name], name
    assert push.pusher == payload["pusher"]["name"]
    assert push.pushed_at == moment(payload["repository"]["pushed_at"])
    assert push.head_commit_sha == (payload["head_commit"]["id"] if payload["head_commit"] else "")
    assert not push.truncated
    ref = await Ref.objects.aget()
    assert (ref.repository_id, ref.name, ref.head_sha, ref.previous_sha, ref.deleted) == (
        push.repository_id, payload["ref"], payload["after"], payload["before"], payload["deleted"],
    )  # fmt: skip
    assert (ref.last_push_id, ref.pushed_at) == (push.pk, push.pushed_at)
    carried = PushCommit.objects.filter(push=push).order_by("position").values_list("commit__sha", flat=True)
    assert [sha async for sha in carried] == [commit["id"] for commit in payload["commits"]]
    assert await Commit.objects.acount() == len(payload["commits"])
    for commit in payload["commits"]:
        row = await Commit.objects.aget(sha=commit["id"])
        assert row.repository_id == push.repository_id
        assert row.message == commit["message"]
        assert (row.author_name, row.author_email) == (commit["author"]["name"], commit["author"]["email"])
        assert row.committed_at == moment(commit["timestamp"])


@of("pull_request")
async def test_a_pull_request(path: Path) -> None:
    payload = await handled(path)
    told = payload["pull_request"]
    row = await PullRequest.objects.select_related("repository").aget()
    await check_repository(row.repository, payload["repository"])
    for name in ("number", "title", "draft", "locked"):
        assert getattr(row, name) == told[name], name
    assert row.state == ("merged" if told["merged"] else told["state"])
    assert row.author == login(told["user"])
    assert row.head_repository == (told["head"]["repo"]["full_name"] if told["head"]["repo"] else "")
    assert (row.head_ref, row.head_sha) == (told["head"]["ref"], told["head"]["sha"])
    assert (row.base_ref, row.base_sha) == (told["base"]["ref"], told["base"]["sha"])
    assert row.merge_commit_sha == (told["merge_commit_sha"] if told["merged"] else "")
    assert row.merged_at == (moment(told["merged_at"]) if told["merged_at"] else None)
    assert row.labels == [label["name"] for label in told["labels"]]
    assert row.assignees == [user["login"] for user in told["assignees"]]
    assert row.requested_reviewers == [user["login"] for user in told["requested_reviewers"]]
    assert row.requested_teams == [team["slug"] for team in told["requested_teams"]]
    assert row.milestone == (told["milestone"]["title"] if told["milestone"] else "")
    assert row.updated_at == moment(told["updated_at"])


@of("issues")
async def test_an_issue(path: Path) -> None:
    payload = await handled(path)
    told, action = payload["issue"], payload["action"]
    row = await Issue.objects.select_related("repository").aget()
    await check_repository(row.repository, payload["repository"])
    assert (row.number, row.title) == (told["number"], told["title"])
    assert row.state == told.get("state", "open")
    assert row.state_reason == (told.get("state_reason") or "")
    assert row.author == login(told["user"])
    assert row.locked is told.get("locked", False)
    assert row.labels == [label["name"] for label in told.get("labels", [])]
    assert row.assignees == [user["login"] for user in told.get("assignees", [])]
    assert row.milestone == (told["milestone"]["title"] if told.get("milestone") else "")
    assert row.updated_at == moment(told["updated_at"])
    assert row.pinned is (action == "pinned")
    assert row.deleted is (action in {"deleted", "transferred"})
    there = "Codertocat/Hello-World#1" if action == "transferred" else ""
    assert row.transferred_to == there


@of("repository")
async def test_a_repository(path: Path) -> None:
    payload = await handled(path)
    row = await Repository.objects.aget()
    await check_repository(row, payload["repository"], deleted=payload["action"] == "deleted")
    # The example of `renamed` shows the name of before, which is then no former one.
    assert row.previous_full_name == ("octocat/Hello-World" if payload["action"] == "transferred" else "")


@of("ping")
async def test_a_ping(path: Path) -> None:
    payload = await handled(path)
    told = payload["hook"]
    row = await Hook.objects.select_related("repository").aget()
    assert (row.hook_id, row.active, row.events) == (
        payload["hook_id"],
        told["active"],
        sorted(told["events"]),
    )
    assert row.content_type == told["config"]["content_type"]
    assert row.organization == login(payload.get("organization"))
    if row.repository is not None:
        await check_repository(row.repository, payload["repository"])
    assert (row.repository is None) is ("repository" not in payload)
