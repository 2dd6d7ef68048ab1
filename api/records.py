"""Records of repositories, newest first: one list for each kind."""

from typing import TypeVar

from django.db.models import Model as Table
from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from api.record_schemas import (
    Commit,
    Issue,
    IssueState,
    Pull,
    PullState,
    Push,
    Record,
    Ref,
    Release,
    WorkflowRun,
)
from api.schemas import Id, Listed, Page, Text, newest_first
from ledger.filters import in_any_case
from records import models

router = Router(tags=["records"])

Shown = TypeVar("Shown", bound=Record)


class ListedRecords(Listed):
    """The parameters of every list of records."""

    repository: Text | None = Field(None, description="a full name, in any case", examples=["octo/cat"])


class ListedPulls(ListedRecords):
    """The parameters of the pull requests."""

    number: Id | None = None
    state: PullState | None = None
    author: Text | None = None
    base_ref: Text | None = None
    head_ref: Text | None = None


class ListedIssues(ListedRecords):
    """The parameters of the issues."""

    number: Id | None = None
    state: IssueState | None = None
    author: Text | None = None
    deleted: bool | None = None


class ListedCommits(ListedRecords):
    """The parameters of the commits."""

    sha: Text | None = Field(None, description="whole hash")
    author_email: Text | None = None


class ListedPushes(ListedRecords):
    """The parameters of the pushes."""

    ref: Text | None = None
    pusher: Text | None = None
    after: Text | None = Field(None, description="whole hash of the head after it")


class ListedRefs(ListedRecords):
    """The parameters of the branches and tags."""

    name: Text | None = None
    deleted: bool | None = None


class ListedReleases(ListedRecords):
    """The parameters of the releases."""

    tag_name: Text | None = None
    draft: bool | None = None
    prerelease: bool | None = None
    deleted: bool | None = None


class ListedRuns(ListedRecords):
    """The parameters of the workflow runs."""

    head_branch: Text | None = None
    head_sha: Text | None = None
    event: Text | None = None
    status: Text | None = None
    conclusion: Text | None = None


@router.get("/pulls", response=Page[Pull], summary="List pull requests")
async def list_pulls(request: HttpRequest, query: Query[ListedPulls]) -> Page[Pull]:
    """List pull requests."""
    return await _page(request, query, models.PullRequest, Pull)


@router.get("/issues", response=Page[Issue], summary="List issues")
async def list_issues(request: HttpRequest, query: Query[ListedIssues]) -> Page[Issue]:
    """List issues, those that are gone too."""
    return await _page(request, query, models.Issue, Issue)


@router.get("/commits", response=Page[Commit], summary="List commits")
async def list_commits(request: HttpRequest, query: Query[ListedCommits]) -> Page[Commit]:
    """List commits in the order in which they were recorded."""
    return await _page(request, query, models.Commit, Commit)


@router.get("/pushes", response=Page[Push], summary="List pushes")
async def list_pushes(request: HttpRequest, query: Query[ListedPushes]) -> Page[Push]:
    """List pushes."""
    return await _page(request, query, models.Push, Push)


@router.get("/refs", response=Page[Ref], summary="List branches and tags")
async def list_refs(request: HttpRequest, query: Query[ListedRefs]) -> Page[Ref]:
    """List branches and tags, deleted ones too."""
    return await _page(request, query, models.Ref, Ref)


@router.get("/releases", response=Page[Release], summary="List releases")
async def list_releases(request: HttpRequest, query: Query[ListedReleases]) -> Page[Release]:
    """List releases."""
    return await _page(request, query, models.Release, Release)


@router.get("/runs", response=Page[WorkflowRun], summary="List workflow runs")
async def list_workflow_runs(request: HttpRequest, query: Query[ListedRuns]) -> Page[WorkflowRun]:
    """List the attempts of workflow runs."""
    return await _page(request, query, models.WorkflowRun, WorkflowRun)


async def _page(
    request: HttpRequest, query: ListedRecords, table: type[Table], shown: type[Shown]
) -> Page[Shown]:
    filters = query.filters()
    if name := filters.pop("repository", None):
        # Resolved first, so that the query over a large table has one condition on an indexed number.
        named = models.Repository.objects.filter(in_any_case("full_name", name))
        filters["repository__in"] = [pk async for pk in named.values_list("pk", flat=True)]
    return await newest_first(request, table._default_manager.filter(**filters), shown, query)
