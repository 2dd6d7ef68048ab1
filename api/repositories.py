"""Repositories, and one repository with everything that the console's page shows."""

import asyncio
from datetime import datetime
from typing import Annotated

from django.db import Error
from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field

import database
from api.schemas import Id, Listed, Model, Page, Parameters, Text, must, newest_first, number
from ledger import repositories
from ledger.filters import in_any_case
from records.models import Repository as Row
from upstream import live
from upstream.client import Client
from upstream.credentials import Credentials

router = Router(tags=["repositories"])

Value = bool | int | datetime | str | list[str] | None

# Those of an operation that the part of the newest sync has.
_SYNC = ("id", "state", "requested_by", "done", "failed", "created_at", "finished_at", "error")
_UNREAD = "These could not be read."


class ListedRepositories(Listed):
    """The parameters of the list."""

    name: Text | None = Field(None, description="a full name, in any case", examples=["octo/cat"])
    server: Text | None = Field(None, examples=["github.com"])


class Repository(Model):
    """A repository, as its newest delivery shows it."""

    id: Id = Field(description="its id in this API")
    server: str = Field(examples=["github.com"])
    github_id: Id
    full_name: str = Field(examples=["octo/cat"])
    previous_full_name: str
    private: bool
    archived: bool
    deleted: bool
    default_branch: str
    updated_at: datetime | None


class Part(Model):
    """The newest rows of one kind of record, 20 at most."""

    name: str = Field(examples=["pulls"])
    title: str = Field(examples=["Open pull requests"])
    items: list[dict[str, Value]] | None = Field(description="null if they could not be read")
    error: str | None = Field(description="why there are no items")


class Live(Model):
    """The answer of GitHub's API. It is left out, and the reason given, if it takes too long."""

    open_issues: int | None = Field(description="open issues and pull requests together, as GitHub counts")
    stars: int | None
    forks: int | None
    rate_limit: int | None = Field(description="requests in an hour; null without a limit or a token")
    rate_remaining: int | None
    rate_reset_at: datetime | None
    error: str | None = Field(description="why it is left out")


class Details(Parameters):
    """The parameters of one repository."""

    live: bool = Field(False, description="also ask GitHub's API, for less than two seconds")


class RepositoryDetail(Repository):
    """A repository with its parts. A part that cannot be read says so, and costs no other."""

    parts: list[Part]
    live: Live | None = Field(description="null unless it was asked for")


@router.get("", response=Page[Repository], summary="List repositories")
async def list_repositories(request: HttpRequest, query: Query[ListedRepositories]) -> Page[Repository]:
    """List repositories, the newest first."""
    filters = query.filters()
    name = filters.pop("name", None)
    rows = Row.objects.filter(*[in_any_case("full_name", name)] if name else [], **filters)
    return await newest_first(request, rows, Repository, query)


PathId = Annotated[str, Path(pattern=r"^[0-9]{1,19}$", description="the repository's id in this API")]


@router.get("/{id}", response=RepositoryDetail, summary="Get a repository")
async def get_repository(request: HttpRequest, id: PathId, query: Query[Details]) -> RepositoryDetail:  # noqa: A002 - the API's name
    """Get a repository with its open pulls and issues, refs, pushes, runs, releases, hooks and newest sync.

    The parts are read at the same time, and with `live=true` GitHub is asked meanwhile.
    """
    row = must(await Row.objects.filter(pk=number(id)).afirst())
    asking = asyncio.create_task(_ask(row)) if query.live else None
    read_parts, sync = await asyncio.gather(repositories.read(row), _sync(row))
    parts = [
        Part(
            name=read.part.name,
            title=read.part.title,
            items=[dict(zip(read.part.columns, values, strict=True)) for values in read.rows]
            if read.rows is not None
            else None,
            error=None if read.rows is not None else _UNREAD,
        )
        for read in read_parts
    ]
    said = await asking if asking else None
    return RepositoryDetail(
        **{name: getattr(row, name) for name in Repository.columns()}, parts=[*parts, sync], live=said
    )


async def _sync(row: Row) -> Part:
    """Return the newest sync with GitHub as a part, without items where there was none."""
    named = {"name": "sync", "title": "Newest sync with GitHub"}
    try:
        found = await database.run(repositories.newest_sync, row)
    except Error:
        return Part(**named, items=None, error=_UNREAD)
    shown = {name: getattr(found, name) for name in _SYNC} | {"id": str(found.pk)} if found else None
    return Part(**named, items=[shown] if shown else [], error=None)


async def _ask(row: Row) -> Live:
    if not live.is_of(row.server):
        return _left_out(f"GITHUB_API_URL is not the API of {row.server}")
    if not Credentials.configured():
        return _left_out("no credential of GitHub's API is set")
    async with Client() as client:
        found = await live.read(client, row.full_name, row.github_id)
    if isinstance(found, str):
        return _left_out(found)
    return Live(
        open_issues=found.repository.open_issues_count,
        stars=found.repository.stargazers_count,
        forks=found.repository.forks_count,
        rate_limit=found.limit,
        rate_remaining=found.remaining,
        rate_reset_at=found.reset_at,
        error=None,
    )


def _left_out(reason: str) -> Live:
    nothing = dict.fromkeys(Live.model_fields)
    return Live(**{**nothing, "error": reason})
