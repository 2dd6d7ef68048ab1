"""The parts of a repository that a sync reads: where each is listed, and how a page of it is written."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from django.db import DatabaseError
from pydantic import ConfigDict, ValidationError

import database
from records import commits, refs
from records.models import Issue, PullRequest, Ref, Release, WorkflowRun
from upstream import conversions
from upstream.answers import Answer
from upstream.client import Client, Page
from upstream.errors import EmptyRepositoryError, NotFoundError, RefusedError, UnreachableError

# Answers may come from a replica that is behind. After this time an answer shows all of a second.
COMPLETE_AFTER = timedelta(seconds=10)
PAGE = 100
# Branches whose commits are listed at once, and commits of each: a page.
BRANCHES = 10

NOT_DOCUMENTED = "not as documented"


class Item(Answer):
    """An object of a list, whole."""

    model_config = ConfigDict(extra="allow")

    @property
    def fields(self) -> dict[str, Any]:
        """Return all fields."""
        return self.model_extra or {}


@dataclass(frozen=True, slots=True)
class Scope:
    """The repository that a sync reads, and the limits in time."""

    repository: int
    """Primary key."""
    owner: str
    name: str
    read_at: datetime | None
    """The API's answers include pushes up to this time; None where nothing was pushed."""
    since: datetime | None
    """Lists that can be limited show only later changes; None reads all of them."""

    @property
    def names(self) -> dict[str, str]:
        """Return the variables of URLs."""
        return {"owner": self.owner, "name": self.name}


@dataclass(frozen=True, slots=True)
class Step:
    """The result of one step of a part."""

    next: str | None
    """Where the next step begins; None at the end."""
    done: int = 0
    failures: Counter[str] | None = None
    outage: UnreachableError | None = None
    """Why some of it was not read, as `failures` counts too; the step may be repeated first."""


Write = Callable[[Scope, Item, datetime | None], Awaitable[object]]
"""Writes an object of an answer of this time."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A part that is a list of GitHub's API."""

    name: str
    url: Callable[[Scope], str]
    write: Write
    key: str = ""
    ends: Callable[[Scope, Item], bool] = lambda scope, item: False
    """Whether nothing that is asked for follows this item."""
    end: Callable[[Client, Scope], Awaitable[tuple[int, Counter[str]]]] | None = None
    """Writes the end of the whole list; returns the number of writes, and failures."""

    async def step(self, client: Client, scope: Scope, position: str) -> Step:
        """Read and write one page. Raises an `UpstreamError`, or a database that is away."""
        try:
            page = await client.page(position or self.url(scope), Item, key=self.key, **scope.names)
        except EmptyRepositoryError:
            page = Page([], None)
        done, failures = await self._written(scope, page)
        ended = not page.next or any(self.ends(scope, item) for item in page.items)
        if ended and self.end is not None:
            more, failed = await self.end(client, scope)
            done, failures = done + more, failures + failed
        return Step(None if ended else page.next, done, failures)

    async def _written(self, scope: Scope, page: Page[Item]) -> tuple[int, Counter[str]]:
        results = await asyncio.gather(
            *(self.write(scope, item, page.date) for item in page.items), return_exceptions=True
        )
        failures = Counter({NOT_DOCUMENTED: page.unreadable} if page.unreadable else {})
        done = 0
        for result in results:
            if not isinstance(result, BaseException):
                done += 1
            elif isinstance(result, ValidationError):
                failures[NOT_DOCUMENTED] += 1
            elif isinstance(result, DatabaseError) and not database.is_outage(result):
                failures["refused by the database"] += 1
            else:
                raise result
        return done, failures


@dataclass(frozen=True, slots=True)
class Commits:
    """The last commits of each branch, a page of each."""

    name: str = "commits"

    async def step(self, client: Client, scope: Scope, position: str) -> Step:
        """Read the commits of the branches after a name."""
        heads = await database.run(_heads, scope.repository, position)
        found = await asyncio.gather(
            *(self._branch(client, scope, sha) for _, sha in heads), return_exceptions=True
        )
        done, failures = 0, Counter[str]()
        outages = [one for one in found if isinstance(one, UnreachableError)]
        for one in found:
            if isinstance(one, tuple):
                done, failures = done + one[0], failures + one[1]
            elif isinstance(one, UnreachableError) and len(outages) < len(found):
                failures[str(one)] += 1
            else:
                raise one
        following = heads[-1][0] if len(heads) == BRANCHES else None
        return Step(following, done, failures, outages[0] if outages else None)

    async def _branch(self, client: Client, scope: Scope, sha: str) -> tuple[int, Counter[str]]:
        since = {"since": _iso(scope.since)} if scope.since else {}
        url = "/repos/{owner}/{name}/commits{?sha,since,per_page}"
        try:
            page = await client.page(url, Item, sha=sha, per_page=PAGE, **since, **scope.names)
        except (NotFoundError, RefusedError) as error:
            # A branch may be gone by now.
            return 0, Counter([str(error)])
        read = []
        failures = Counter({NOT_DOCUMENTED: page.unreadable} if page.unreadable else {})
        for item in page.items:
            try:
                read.append(conversions.commit(item.fields))
            except ValidationError:
                failures[NOT_DOCUMENTED] += 1
        await commits.observe(scope.repository, read)
        return len(read), failures


def _heads(repository: int, after: str) -> Sequence[tuple[str, str]]:
    rows = Ref.objects.filter(repository=repository, deleted=False, name__startswith=BRANCH, name__gt=after)
    return list(rows.order_by("name").values_list("name", "head_sha")[:BRANCHES])


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _is_second_over(updated_at: datetime | None, date: datetime | None) -> bool:
    return updated_at is not None and date is not None and date >= updated_at + COMPLETE_AFTER


async def _write_issue(scope: Scope, item: Item, date: datetime | None) -> None:
    read = conversions.issue(item.fields)
    if read is not None:
        second_over = _is_second_over(read.updated_at, date)
        await Issue.objects.observe(scope.repository, read, second_over=second_over)


async def _write_pull_request(scope: Scope, item: Item, date: datetime | None) -> None:
    read = conversions.pull_request(item.fields)
    await PullRequest.objects.observe(
        scope.repository, read, second_over=_is_second_over(read.updated_at, date)
    )


async def _write_release(scope: Scope, item: Item, _date: datetime | None) -> None:
    await Release.objects.observe(scope.repository, conversions.release(item.fields))


async def _write_run(scope: Scope, item: Item, _date: datetime | None) -> None:
    await WorkflowRun.objects.observe(scope.repository, conversions.workflow_run(item.fields))


async def _write_ref(scope: Scope, item: Item, _date: datetime | None) -> None:
    name, sha = conversions.ref(item.fields)
    # The list matches by prefix; `read_at` is not null where there are refs.
    if scope.read_at is not None:
        await refs.observe(scope.repository, name, sha, scope.read_at)


def _older(field: str) -> Callable[[Scope, Item], bool]:
    """Return whether an item of a list, the newest first, is older than the time asked for."""

    def is_older(scope: Scope, item: Item) -> bool:
        text = item.fields.get(field)
        return scope.since is not None and isinstance(text, str) and text < _iso(scope.since)

    return is_older


def _refs_missing(prefix: str) -> Callable[[Client, Scope], Awaitable[tuple[int, Counter[str]]]]:
    """Return what reads the refs that a list did not show: a deletion meanwhile moves one to a page read."""

    async def read(client: Client, scope: Scope) -> tuple[int, Counter[str]]:
        failures = Counter[str]()
        if scope.read_at is None:
            return 0, failures
        names = await database.run(refs.not_shown, scope.repository, prefix, scope.read_at)
        for name in names:
            try:
                url = f"/repos/{{owner}}/{{name}}/git/ref/{quote(name.removeprefix('refs/'))}"
                _, sha = conversions.ref((await client.get(url, Item, **scope.names)).fields)
            except (NotFoundError, EmptyRepositoryError):
                sha = refs.NOWHERE
            except ValidationError:
                failures[NOT_DOCUMENTED] += 1
                continue
            await refs.observe(scope.repository, name, sha, scope.read_at)
        return len(names) - failures.total(), failures

    return read


def _issues(scope: Scope) -> str:
    # In the order of creation, so that nothing moves while the pages are read.
    since = f"&since={_iso(scope.since)}" if scope.since else ""
    return f"/repos/{{owner}}/{{name}}/issues?state=all&sort=created&direction=asc&per_page={PAGE}{since}"


def _pull_requests(scope: Scope) -> str:
    # This list has no `since`. A pull request that is updated meanwhile moves to its start, and is delivered.
    order = "sort=updated&direction=desc" if scope.since else "sort=created&direction=asc"
    return f"/repos/{{owner}}/{{name}}/pulls?state=all&{order}&per_page={PAGE}"


BRANCH, TAG = "refs/heads/", "refs/tags/"
BRANCHES_PART = Listed(
    "branches", lambda scope: f"/repos/{{owner}}/{{name}}/git/matching-refs/heads/?per_page={PAGE}",
    _write_ref, end=_refs_missing(BRANCH),
)  # fmt: skip
COMMITS = Commits()
PARTS: Sequence[Listed | Commits] = (
    BRANCHES_PART,
    Listed(
        "tags", lambda scope: f"/repos/{{owner}}/{{name}}/git/matching-refs/tags/?per_page={PAGE}",
        _write_ref, end=_refs_missing(TAG),
    ),
    Listed("pull requests", _pull_requests, _write_pull_request, ends=_older("updated_at")),
    Listed("issues", _issues, _write_issue),
    Listed("releases", lambda scope: f"/repos/{{owner}}/{{name}}/releases?per_page={PAGE}", _write_release),
    Listed(
        "workflow runs", lambda scope: f"/repos/{{owner}}/{{name}}/actions/runs?per_page={PAGE}",
        _write_run, key="workflow_runs", ends=_older("created_at"),
    ),
    COMMITS,
)  # fmt: skip
