"""A pull request, an issue or a commit, and the deliveries that shaped it."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import aget_object_or_404
from django.views import View

from console.pages import page
from ledger import paging
from receiver.fields import UnreadableBodyError
from receiver.models import SETTLED, Delivery
from records.models import Commit, Issue, PullRequest, Push, Repository

DELIVERIES = 20
PUSHES = 20
# A commit's deliveries are looked for among so many deliveries of the repository after its first push, and in
# bodies of so many bytes.
LOOKED_AT = 500
LARGEST_BODY = 1_000_000
CLOCKS_APART = timedelta(minutes=1)
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
        """Show its columns, and the pushes and deliveries that carried it."""
        repository = await aget_object_or_404(Repository, pk=pk)
        commit = await aget_object_or_404(Commit, repository=repository, sha=sha)
        pushes = [push async for push in commit.pushes.order_by("-pk")[:PUSHES]]
        context = {
            "repository": repository,
            "title": commit.sha,
            "facts": facts(commit),
            "pushes": pushes,
            "deliveries": await _carriers(repository.full_name, commit.sha, pushes),
            "all": urlencode({"repository": repository.full_name, "event": "push"}),
            "all_name": "All pushes of the repository",
        }
        return await page(request, "record.html", context)


async def _carriers(repository: str, sha: str, pushes: Sequence[Push]) -> list[Delivery]:
    """Return the deliveries, among the first after its first known push, whose bodies name a commit."""
    if not pushes:
        return []
    since = min(push.pushed_at for push in pushes) - CLOCKS_APART
    settled = Delivery.objects.filter(SETTLED, repository=repository, received_at__gte=since)
    first = settled.order_by("received_at", "pk").values("pk")[:LOOKED_AT]
    rows = Delivery.objects.filter(pk__in=first, event="push", size__lte=LARGEST_BODY)
    found = []
    with suppress(UnreadableBodyError):
        async for row in rows.order_by("received_at", "pk")[:DELIVERIES]:
            if row.body and sha.encode() in row.body:
                found.append(row)  # noqa: PERF401 - what was found before an unreadable body counts
    return found[::-1]


def facts(record: Model) -> list[tuple[str, Any]]:
    """Return the names and values of a record's columns, without the empty ones."""
    found = []
    for column in record._meta.fields:
        value = getattr(record, column.attname)
        if column.name not in _OWN and value not in (None, "", []):
            shown = ", ".join(str(item) for item in value) if isinstance(value, list) else value
            found.append((column.name.replace("_", " "), shown))
    return found
