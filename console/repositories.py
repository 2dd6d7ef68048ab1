"""What the deliveries left behind: repositories, and one repository with its parts."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.shortcuts import aget_object_or_404
from django.views import View

import database
from console.pages import page
from records.models import Repository

LISTED = 100
ROWS = 20


@dataclass(frozen=True, slots=True)
class Part:
    """A table of a repository's page: rows of one kind of record, `ROWS` of them at most."""

    title: str
    accessor: str
    columns: Sequence[str]
    order: str
    only: Mapping[str, Any] = field(default_factory=dict)
    link: str = ""
    """The page of the record that the first column names."""


PARTS = (
    Part(
        "Open pull requests", "pull_requests", ("number", "title", "author", "head_ref", "updated_at"),
        "-number", {"state": "open"}, "pulls",
    ),
    Part(
        "Open issues", "issues", ("number", "title", "author", "updated_at"), "-number",
        {"state": "open", "deleted": False}, "issues",
    ),
    Part("Branches and tags", "refs", ("name", "head_sha", "pushed_at"), "name", {"deleted": False}),
    Part("Newest pushes", "pushes", ("after", "ref", "pusher", "pushed_at"), "-pk", {}, "commits"),
    Part("Newest runs", "workflowrun_set", ("name", "head_branch", "conclusion", "updated_at"), "-pk"),
    Part("Newest releases", "release_set", ("tag_name", "name", "author", "published_at"), "-pk"),
    Part("Hooks", "hooks", ("hook_id", "events", "active", "last_ping_at"), "hook_id"),
)  # fmt: skip


class RepositoriesView(View):
    """All repositories by name, a page at a time."""

    async def get(self, request: HttpRequest) -> HttpResponse:
        """Show the repositories after the name in the URL."""
        after = request.GET.get("after", "").replace("\0", "")
        rows = Repository.objects.filter(full_name__gt=after).order_by("full_name", "pk")
        found = [row async for row in rows[: LISTED + 1]]
        more = found[LISTED - 1].full_name if len(found) > LISTED else ""
        return await page(request, "repositories.html", {"repositories": found[:LISTED], "more": more})


class RepositoryView(View):
    """One repository."""

    async def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show its parts, read at the same time; one that cannot be read does not cost the others."""
        repository = await aget_object_or_404(Repository, pk=pk)
        found = await asyncio.gather(
            *(database.run(_rows, repository, part) for part in PARTS), return_exceptions=True
        )
        parts = []
        for part, rows in zip(PARTS, found, strict=True):
            if isinstance(rows, BaseException) and not isinstance(rows, Error):
                raise rows
            failed = isinstance(rows, BaseException)
            parts.append({"part": part, "rows": [] if failed else rows, "failed": failed})
        return await page(request, "repository.html", {"repository": repository, "parts": parts})


def _rows(repository: Repository, part: Part) -> list[tuple[Any, ...]]:
    rows = getattr(repository, part.accessor).filter(**part.only).order_by(part.order)
    return list(rows.values_list(*part.columns)[:ROWS])
