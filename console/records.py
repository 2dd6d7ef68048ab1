"""A pull request, an issue or a commit, and the deliveries that shaped it."""

from typing import Any
from urllib.parse import urlencode

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import aget_object_or_404
from django.views import View

from console.pages import page
from ledger import paging
from receiver.models import Delivery
from records.models import Commit, Issue, PullRequest, Repository

DELIVERIES = 20
PUSHES = 20
COLUMNS = ("guid", "event", "action", "sender", "received_at", "status")
# Columns of every record that say nothing about it.
_OWN = {"id", "repository", "changes"}


class NumberedView(View):
    """A pull request or an issue."""

    kind: type[Model] = Issue

    async def get(self, request: HttpRequest, pk: int, number: int) -> HttpResponse:
        """Show its columns and the newest deliveries about it."""
        repository = await aget_object_or_404(Repository, pk=pk)
        record: Any = await aget_object_or_404(self.kind, repository=repository, number=number)
        about = {"repository": repository.full_name, "number": number}
        deliveries = await paging.newest(Delivery.objects.filter(**about).only(*COLUMNS), size=DELIVERIES)
        context = {
            "repository": repository,
            "title": f"#{number} {record.title}",
            "facts": facts(record),
            "deliveries": deliveries.rows,
            "all": urlencode(about),
        }
        return await page(request, "record.html", context)


class PullRequestView(NumberedView):
    """A pull request."""

    kind = PullRequest


class CommitView(View):
    """A commit."""

    async def get(self, request: HttpRequest, pk: int, sha: str) -> HttpResponse:
        """Show its columns and the pushes that carried it."""
        repository = await aget_object_or_404(Repository, pk=pk)
        commit = await aget_object_or_404(Commit, repository=repository, sha=sha)
        context = {
            "repository": repository,
            "title": commit.sha,
            "facts": facts(commit),
            "pushes": [push async for push in commit.pushes.order_by("-pk")[:PUSHES]],
            "all": urlencode({"repository": repository.full_name, "event": "push"}),
        }
        return await page(request, "record.html", context)


def facts(record: Model) -> list[tuple[str, Any]]:
    """Return the names and values of a record's columns, without the empty ones."""
    found = []
    for column in record._meta.fields:
        value = getattr(record, column.attname)
        if column.name not in _OWN and value not in (None, "", []):
            shown = ", ".join(str(item) for item in value) if isinstance(value, list) else value
            found.append((column.name.replace("_", " "), shown))
    return found
