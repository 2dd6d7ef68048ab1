"""The pages of repositories, and of one repository with its parts."""

from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import aget_object_or_404
from django.views import View

import database
from console import syncing
from console.pages import page, row_id
from ledger import repositories
from ledger.repositories import Read
from records.models import Commit, Repository

MAX_LISTED = 100


class RepositoriesView(View):
    """All repositories by name, a page at a time."""

    async def get(self, request: HttpRequest) -> HttpResponse:
        """Show the repositories after the name and the id in the URL; several may have one name."""
        after, pk = request.GET.get("after", "").replace("\0", ""), row_id(request.GET.get("id", ""))
        beyond = Q(full_name__gt=after) | (Q(full_name=after, pk__gt=pk) if pk else Q())
        rows = Repository.objects.filter(beyond).order_by("full_name", "pk")
        found = [row async for row in rows[: MAX_LISTED + 1]]
        last = found[MAX_LISTED - 1] if len(found) > MAX_LISTED else None
        return await page(request, "repositories.html", {"repositories": found[:MAX_LISTED], "last": last})


class RepositoryView(View):
    """One repository."""

    async def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show its parts; one that cannot be read does not cost the others."""
        repository = await aget_object_or_404(Repository, pk=pk)
        parts = [await _shown(repository, read) for read in await repositories.read(repository)]
        shown = await database.run(syncing.context, repository)
        context = {"repository": repository, "parts": parts, "limit": repositories.ROWS, **shown}
        return await page(request, "repository.html", context)


async def _shown(repository: Repository, read: Read) -> dict[str, Any]:
    """Return a part with the first cells of the rows that have a page of their own."""
    rows = read.rows or []
    linked = {row[0] for row in rows} if read.part.link else set()
    if linked and read.part.link == "commits":
        # A push may end at nothing, at a tag, or at a commit that an earlier push carried.
        known = Commit.objects.filter(repository=repository, sha__in=linked)
        linked = {sha async for sha in known.values_list("sha", flat=True)}
    return {"part": read.part, "rows": rows, "failed": read.rows is None, "linked": linked}
