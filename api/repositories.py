"""Repositories, and one repository with everything that the console's page shows."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field

from api.schemas import DEFAULT_ITEMS, Id, Limit, Model, Page, Parameters, Text, link, must, number
from ledger import repositories
from records.models import Repository as Row

router = Router(tags=["repositories"])

Value = bool | int | datetime | str | list[str] | None


class Listed(Parameters):
    """The parameters of the list."""

    name: Text | None = Field(None, description="full name", examples=["octo/cat"])
    server: Text | None = Field(None, examples=["github.com"])
    cursor: Id | None = Field(None, description="where the page begins, as in `next`")
    limit: Limit = DEFAULT_ITEMS


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


class RepositoryDetail(Repository):
    """A repository with its parts. A part that cannot be read says so, and costs no other."""

    parts: list[Part]


_COLUMNS = tuple(Repository.model_fields)


@router.get("", response=Page[Repository], summary="List repositories")
async def list_repositories(request: HttpRequest, query: Query[Listed]) -> Page[Repository]:
    """List repositories, the newest first."""
    rows = Row.objects.order_by("-pk")
    if query.name is not None:
        rows = rows.filter(full_name=query.name)
    if query.server is not None:
        rows = rows.filter(server=query.server)
    if query.cursor is not None:
        rows = rows.filter(pk__lt=query.cursor)
    found = [row async for row in rows.values(*_COLUMNS)[: query.limit + 1]]
    items = [Repository(**row) for row in found[: query.limit]]
    more = len(found) > query.limit
    return Page(items=items, next=link(request, cursor=items[-1].id) if more else None)


PathId = Annotated[str, Path(pattern=r"^[0-9]{1,19}$", description="the repository's id in this API")]


@router.get("/{id}", response=RepositoryDetail, summary="Get a repository")
async def get_repository(request: HttpRequest, id: PathId) -> RepositoryDetail:  # noqa: A002 - the API's name
    """Get a repository with its open pull requests and issues, refs, pushes, runs, releases and hooks."""
    row = must(await Row.objects.filter(pk=number(id)).afirst())
    parts = [
        Part(
            name=read.part.name,
            title=read.part.title,
            items=[dict(zip(read.part.columns, values, strict=True)) for values in read.rows]
            if read.rows is not None
            else None,
            error=None if read.rows is not None else "These could not be read.",
        )
        for read in await repositories.read(row)
    ]
    return RepositoryDetail(**{name: getattr(row, name) for name in _COLUMNS}, parts=parts)
