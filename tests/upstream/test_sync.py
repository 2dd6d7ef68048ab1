"""Sync: the present state of a repository, read from GitHub's API."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from ledger import operations
from ledger.models import Kind, Operation, State
from records.models import Commit, Issue, PullRequest, Ref, Release, WorkflowRun
from records.models import Repository as RepositoryRow
from tests import fake_github, github
from tests.fake_github import Github
from tests.fake_github.github import Answered, AnswerError
from tests.fake_github.repository import Repository, stamp
from tests.handlers.context import handle
from tests.upstream.conftest import BACKOFF
from upstream.client import Client
from upstream.credentials import Credentials
from upstream.errors import NotFoundError, UnexpectedAnswerError
from upstream.parts import BRANCHES, PAGE
from upstream.session import Session
from upstream.sync import Sync

# On PostgreSQL too: test_sync_among_deliveries.py
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

MODELS = (Commit, Issue, PullRequest, Ref, Release, RepositoryRow, WorkflowRun)
HEAD, TAG = "a" * 40, "b" * 40


@pytest.fixture
def cat(fake: Github) -> Repository:
    """A repository with two of each, as it was an hour ago."""
    at = fake.moment().replace(microsecond=0) - timedelta(hours=1)
    made = Repository(fake, pushed_at=at, updated_at=at)
    for number in (1, 2):
        made.issue(number, at, labels=[{"name": "bug"}])
        made.pull(10 + number, at)
        made.release(20 + number, at)
        made.run(30 + number, at)
    made.refs = {"refs/heads/main": HEAD, "refs/heads/topic": "c" * 40, "refs/tags/v1": TAG}
    made.commits = {HEAD: [made.commit(HEAD), made.commit("d" * 40)], "c" * 40: [made.commit("c" * 40)]}
    return made


@pytest.fixture
async def sync(fake: Github) -> AsyncIterator[Sync]:
    session = Session(patience=1.0, backoff=BACKOFF)
    made = Sync(Client(Credentials(fake_github.TOKEN), session, fake.url), retry_after=0.01)
    yield made
    await made.client.close()


async def begin(repository: str = "octo/cat", since: datetime | None = None) -> Operation:
    parameters = {"repository": repository, "since": since.isoformat() if since else None}
    create = sync_to_async(operations.create)
    return await create(Kind.SYNC, parameters, "ada", worker="w")


async def advance(sync: Sync, operation: Operation) -> Operation:
    """Do one portion."""
    progress = await sync.portion(operation)
    advanced = await sync_to_async(operations.advance)(operation, progress)
    assert advanced is not None
    await asyncio.sleep(min(progress.wait, 2.0))
    return advanced[0]


async def run(sync: Sync, **parameters: Any) -> Operation:
    operation = await begin(**parameters)
    while operation.state == State.RUNNING:
        operation = await advance(sync, operation)
    return operation


@sync_to_async
def rows() -> dict[str, list[dict[str, Any]]]:
    """Return all records, field by field."""
    return {model.__name__: [*map(dict, model._default_manager.order_by("pk").values())] for model in MODELS}


async def test_all_parts_of_a_repository_are_recorded(cat: Repository, sync: Sync) -> None:
    ended = await run(sync)
    assert (ended.state, ended.failures) == (State.FINISHED, {})
    found = await rows()
    assert {name: len(each) for name, each in found.items()} == {
        "Commit": 3, "Issue": 2, "PullRequest": 2, "Ref": 3, "Release": 2, "Repository": 1, "WorkflowRun": 2,
    }  # fmt: skip
    main = await Ref.objects.aget(name="refs/heads/main")
    assert (main.head_sha, main.pushed_at, main.read_at) == (HEAD, cat.pushed_at, cat.pushed_at)
    assert found["Repository"][0]["server"] == "github.com"
    assert (await Issue.objects.aget(number=1)).labels == ["bug"]


async def test_a_repository_without_a_push_has_no_refs(cat: Repository, sync: Sync) -> None:
    cat.refs, cat.pushed_at = {}, cat.updated_at
    assert (await run(sync)).failures == {}
    assert not await Ref.objects.filter(deleted=False).aexists()


async def test_a_second_sync_changes_nothing(cat: Repository, sync: Sync) -> None:
    await run(sync)
    before = await rows()
    await run(sync)
    assert await rows() == before


async def test_long_lists_are_read_to_their_end(cat: Repository, sync: Sync) -> None:
    more = 2 * PAGE + 10
    for number in range(100, 100 + more):
        cat.issue(number, cat.updated_at)
        cat.run(number, cat.updated_at)
    cat.refs |= {f"refs/tags/v{number}": TAG for number in range(2, 2 + more)}
    cat.refs |= {f"refs/heads/b{number:02}": HEAD for number in range(2 * BRANCHES + 5)}
    await run(sync)
    found = await rows()
    assert [len(found[name]) - more for name in ("Issue", "WorkflowRun", "Ref")] == [2, 2, 28]


async def test_a_part_that_fails_is_reported_and_the_others_go_on(
    fake: Github, cat: Repository, sync: Sync
) -> None:
    del fake.data["/repos/octo/cat/releases"]
    cat.issue(3, cat.updated_at, state="ajar")
    ended = await run(sync)
    assert ended.state == State.FINISHED
    assert sorted(reason.partition(":")[0] for reason in ended.failures) == ["issues", "releases"]
    assert "issues: not as documented" in ended.failures
    found = await rows()
    assert [len(found[name]) for name in ("Issue", "PullRequest", "WorkflowRun", "Commit")] == [2, 2, 2, 3]


@pytest.mark.parametrize(("status", "number", "reason"), [(404, BRANCHES, "No commit"), (502, 1, ": 502")])
async def test_branches_whose_commits_github_does_not_show_cost_no_other(
    status: int, number: int, reason: str, fake: Github, cat: Repository, sync: Sync
) -> None:
    def listed(query: Mapping[str, str]) -> list[dict[str, Any]]:
        if query["sha"] not in cat.commits:
            raise AnswerError(status, f"No commit found for SHA: {query['sha']}")
        return cat.commits[query["sha"]]

    fake.data["/repos/octo/cat/commits"] = listed
    cat.refs |= {f"refs/heads/gone{one}": "9" * 40 for one in range(number)}
    # They are in the step of the first ones.
    cat.refs |= {f"refs/heads/main{one}": HEAD for one in range(BRANCHES - 2 * number)}
    ended = await run(sync)
    assert [reason in one for one in ended.failures] == [True]
    assert list(ended.failures.values()) == [number]
    assert len((await rows())["Commit"]) == 3


async def test_lists_that_lead_in_a_circle_end_with_what_they_showed(
    fake: Github, cat: Repository, sync: Sync
) -> None:
    fake.faults.circle = True
    ended = await run(sync)
    assert ended.state == State.FINISHED
    assert "releases: GitHub's list leads back to a page that was read before" in ended.failures
    found = await rows()
    assert [len(found[name]) for name in ("Issue", "PullRequest", "WorkflowRun", "Release")] == [2, 2, 2, 2]


async def test_outages_and_limits_of_github_cost_nothing(fake: Github, cat: Repository, sync: Sync) -> None:
    # The first of them lasts longer than the session repeats the request for the repository.
    fake.faults.next = ["bad_gateway"] * (1 + len(BACKOFF))
    fake.faults.bad_gateway, fake.faults.broken = 0.2, 0.1
    fake.limits.secondary_every, fake.limits.grace = 6, 0.5
    ended = await run(sync)
    assert (ended.state, ended.failures) == (State.FINISHED, {})
    assert fake.limits.violations == []
    assert len((await rows())["Commit"]) == 3


async def test_a_limit_that_one_worker_meets_holds_up_the_others(
    fake: Github, cat: Repository, sync: Sync
) -> None:
    fake.limits.limit = 1
    operation = await advance(sync, await begin())
    await sync.portion(operation)
    async with Client(Credentials(fake_github.TOKEN), Session(patience=1.0), fake.url) as another:
        assert (await Sync(another).portion(operation)).wait > 3000
    assert len(fake.seen) == 1


async def test_a_sync_continues_where_another_worker_left_it(fake: Github, cat: Repository) -> None:
    cat.refs |= {f"refs/tags/v{number}": TAG for number in range(2, 2 + 2 * PAGE)}
    operation = await begin()
    while operation.state == State.RUNNING:
        session = Session(backoff=BACKOFF)
        worker = Sync(Client(Credentials(fake_github.TOKEN), session, fake.url))
        operation = await advance(worker, operation)
        await worker.client.close()
    assert len((await rows())["Ref"]) == 3 + 2 * PAGE
    assert len(fake.paths(containing="/matching-refs/tags/")) == 3, "each page once"


async def test_a_repository_that_is_not_shown_fails_the_sync(fake: Github, sync: Sync) -> None:
    with pytest.raises(NotFoundError, match="may not see it"):
        await sync.portion(await begin("octo/none"))


async def test_an_answer_that_is_no_repository_says_so(fake: Github, cat: Repository, sync: Sync) -> None:
    fake.faults.answer = lambda method, path: (200, {}, b"{}")
    with pytest.raises(UnexpectedAnswerError, match="shows no repository"):
        await sync.portion(await begin())


async def test_a_ref_that_cannot_be_read_costs_no_other(fake: Github, cat: Repository, sync: Sync) -> None:
    assert cat.pushed_at is not None
    for branch in ("gone", "odd"):
        await push(branch, "0" * 40, HEAD, cat.pushed_at - timedelta(minutes=1))
    odd: Answered = (200, {}, b'{"ref": "refs/heads/odd", "object": {"sha": null}}')
    fake.faults.answer = lambda method, path: odd if path.endswith("/git/ref/heads/odd") else None
    ended = await run(sync)
    assert (ended.state, ended.failures) == (State.FINISHED, {"branches: not as documented": 1})
    found = {ref.name: ref.deleted async for ref in Ref.objects.filter(name__startswith="refs/heads/")}
    assert found == {f"refs/heads/{name}": name == "gone" for name in ("gone", "main", "odd", "topic")}


async def test_a_renamed_repository_is_recorded_under_its_present_name(
    fake: Github, cat: Repository, sync: Sync
) -> None:
    fake.moved["/repos/octo/kitten"] = "/repos/octo/cat"
    await run(sync, repository="octo/kitten")
    assert (await RepositoryRow.objects.aget()).full_name == "octo/cat"
    assert len(fake.paths(containing="kitten")) == 1


async def test_with_a_time_only_what_changed_since_is_read(fake: Github, cat: Repository, sync: Sync) -> None:
    later = cat.updated_at + timedelta(minutes=30)
    cat.issue(1, later)
    cat.pull(11, later)
    cat.run(31, later)
    await run(sync, since=later - timedelta(minutes=1))
    found = await rows()
    assert [len(found[name]) for name in ("Issue", "PullRequest", "WorkflowRun")] == [1, 2, 2]
    assert [row["number"] for row in found["Issue"]] == [1]


async def push(branch: str, before: str, after: str, at: datetime) -> None:
    payload = github.payload("push__branch")
    repository = payload["repository"] | {"id": 1296269, "full_name": "octo/cat"}
    repository |= {"pushed_at": int(at.timestamp()), "html_url": "https://github.com/octo/cat"}
    changes = {"before": before, "after": after, "ref": f"refs/heads/{branch}", "repository": repository}
    await handle("push", payload | changes)


async def test_a_branch_whose_push_was_missed_is_moved_and_a_late_push_explains_it(
    cat: Repository, sync: Sync
) -> None:
    assert cat.pushed_at is not None
    await push("main", "0" * 40, "e" * 40, cat.pushed_at - timedelta(minutes=9))
    await push("old", "0" * 40, "f" * 40, cat.pushed_at - timedelta(minutes=8))
    await run(sync)
    main = await Ref.objects.aget(name="refs/heads/main")
    assert (main.head_sha, main.last_push_id) == (HEAD, None)
    assert (await Ref.objects.aget(name="refs/heads/old")).deleted
    await push("main", "e" * 40, "9" * 40, cat.pushed_at - timedelta(minutes=5))
    await push("main", "9" * 40, HEAD, cat.pushed_at)
    main = await Ref.objects.aget(name="refs/heads/main")
    assert (main.head_sha, main.previous_sha, main.pushed_at) == (HEAD, "9" * 40, cat.pushed_at)
    await push("main", HEAD, "8" * 40, cat.pushed_at + timedelta(minutes=1))
    assert (await Ref.objects.aget(name="refs/heads/main")).head_sha == "8" * 40


async def test_a_branch_that_moved_to_a_page_that_was_read_is_not_deleted(
    fake: Github, cat: Repository, sync: Sync
) -> None:
    assert cat.pushed_at is not None
    for number in range(PAGE):
        cat.refs[f"refs/heads/b{number:03}"] = HEAD
    moved, gone = "refs/heads/fix#%{12}", "refs/heads/b000"
    for name in (moved, gone):
        await push(name.removeprefix("refs/heads/"), "0" * 40, HEAD, cat.pushed_at)
    cat.refs[moved] = HEAD
    cat.show(moved)

    def listed(query: Mapping[str, str]) -> list[dict[str, Any]]:
        if "page" in query:
            del cat.refs[gone]
        return cat.listed("refs/heads/")

    fake.data["/repos/octo/cat/git/matching-refs/heads/"] = listed
    await run(sync)
    assert not (await Ref.objects.aget(name=moved)).deleted


async def test_a_push_after_the_reading_is_not_undone(cat: Repository, sync: Sync) -> None:
    assert cat.pushed_at is not None
    await push("main", HEAD, "e" * 40, cat.pushed_at + timedelta(seconds=1))
    await push("new", "0" * 40, "f" * 40, cat.pushed_at + timedelta(seconds=1))
    await run(sync)
    found = {ref.name: ref async for ref in Ref.objects.filter(name__startswith="refs/heads/")}
    assert found["refs/heads/main"].head_sha == "e" * 40
    assert not found["refs/heads/new"].deleted


def labeled(cat: Repository, number: int, title: str, at: datetime) -> dict[str, Any]:
    payload = github.payload("issues__edited") | {"changes": {}}
    payload["issue"] |= {"number": number, "title": title, "updated_at": stamp(at)}
    payload["repository"] |= {
        "id": cat.id, "full_name": cat.full_name, "html_url": f"https://github.com/{cat.full_name}",
    }  # fmt: skip
    return payload


@pytest.mark.parametrize("changes", [{}, {"title": {"from": "the begin"}}], ids=["labeled", "edited"])
async def test_the_end_of_a_second_wins_over_its_deliveries_whichever_comes_first(
    changes: dict[str, Any], cat: Repository, sync: Sync
) -> None:
    cat.issue(1, cat.updated_at, title="the end")
    cat.issue(2, cat.updated_at, title="the end")
    await handle("issues", labeled(cat, 1, "the middle", cat.updated_at) | {"changes": changes})
    await run(sync)
    await handle("issues", labeled(cat, 2, "the middle", cat.updated_at) | {"changes": changes})
    assert {issue.title async for issue in Issue.objects.all()} == {"the end"}
    await handle("issues", labeled(cat, 1, "later", cat.updated_at + timedelta(seconds=1)))
    assert (await Issue.objects.aget(number=1)).title == "later"


async def test_what_was_read_within_its_second_gives_way_to_a_delivery_of_it(
    fake: Github, cat: Repository, sync: Sync
) -> None:
    # Of the time of the answer or later, however long the test takes.
    now = fake.moment().replace(microsecond=0) + timedelta(hours=1)
    cat.issue(1, now, title="read")
    cat.issue(2, now, title="read")
    await handle("issues", labeled(cat, 1, "delivered", now))
    await run(sync)
    assert (await Issue.objects.aget(number=2)).title == "read"
    await handle("issues", labeled(cat, 2, "delivered", now))
    assert {issue.title async for issue in Issue.objects.all()} == {"delivered"}


async def test_an_issue_that_was_deleted_or_merged_here_stays_so(cat: Repository, sync: Sync) -> None:
    gone = labeled(cat, 1, "gone", cat.updated_at - timedelta(minutes=1)) | {"action": "deleted"}
    await handle("issues", gone)
    await run(sync)
    assert (await Issue.objects.aget(number=1)).deleted
