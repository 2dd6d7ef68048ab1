"""A pull request, an issue or a commit, and the deliveries that shaped it."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import aget_object_or_404
from django.utils import timezone
from django.views import View

from console.pages import page
from ledger import filters, halves, paging
from ledger.filters import in_any_case
from ledger.halves import Reach
from receiver.frames import UnreadableBodyError
from receiver.models import SETTLED, Delivery
from records.models import Commit, Issue, PullRequest, Push, Repository

MAX_DELIVERIES = 20
MAX_PUSHES = 20
# A commit's deliveries are searched among so many deliveries of the repository after its first push, and in
# bodies of so many bytes.
MAX_SEARCHED = 500
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
        reach = await halves.reach(filters.parse({"number": str(number)}, timezone.now()))
        context = {
            "repository": repository,
            "title": f"#{number} {record.title}",
            "facts": facts(record),
            "deliveries": await about(repository, number, reach),
            "all": [(name, urlencode({"repository": name, "number": number})) for name in names(repository)],
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
        carried = [push async for push in pushes(commit)]
        context = {
            "repository": repository,
            "title": commit.sha,
            "facts": facts(commit),
            "pushes": carried,
            "deliveries": await carriers(repository, commit.sha, carried),
            "all": [(name, urlencode({"repository": name, "event": "push"})) for name in names(repository)],
            "all_name": "All pushes of",
        }
        return await page(request, "record.html", context)


def names(repository: Repository) -> list[str]:
    """Return the names of a repository, the present one first: its deliveries have the one of their time."""
    return [name for name in (repository.full_name, repository.previous_full_name) if name]


def named(repository: Repository) -> list[QuerySet[Delivery]]:
    """Return its deliveries by name, which another repository may have had before, or may have now."""
    rows = Delivery.objects.filter(repository_id=repository.github_id)
    return [rows.filter(in_any_case("repository", name)) for name in names(repository)]


async def about(repository: Repository, number: int, reach: Reach) -> list[Delivery]:
    """Return the newest deliveries about a pull request or issue, as far as the reach goes."""
    found: list[Delivery] = []
    for rows in named(repository):
        numbered = rows.filter(number=number).only(*COLUMNS)
        page = await paging.newest(numbered, size=MAX_DELIVERIES, reach=reach)
        found += page.rows
    return sorted(found, key=_newness, reverse=True)[:MAX_DELIVERIES]


def _newness(row: Delivery) -> tuple[datetime, int]:
    return row.received_at, row.pk


def pushes(commit: Commit) -> QuerySet[Push]:
    """Return the newest pushes that carried a commit."""
    return commit.pushes.order_by("-pk")[:MAX_PUSHES]


async def carriers(repository: Repository, sha: str, pushes: Sequence[Push]) -> list[Delivery]:
    """Return the deliveries, among the first after its first known push, whose bodies name a commit."""
    if not pushes:
        return []
    since = min(push.pushed_at for push in pushes) - CLOCKS_APART
    found: list[Delivery] = []
    for rows in named(repository):
        settled = rows.filter(SETTLED, received_at__gte=since)
        first = settled.order_by("received_at", "pk").values("pk")[:MAX_SEARCHED]
        pushed = Delivery.objects.filter(pk__in=first, event="push", size__lte=LARGEST_BODY)
        with suppress(UnreadableBodyError):
            async for row in pushed.order_by("received_at", "pk")[:MAX_DELIVERIES]:
                if row.body and sha.encode() in row.body:
                    found.append(row)  # noqa: PERF401 - what was found before an unreadable body counts
    return sorted(found, key=_newness, reverse=True)


def facts(record: Model) -> list[tuple[str, Any]]:
    """Return the names and values of a record's columns, without the empty ones."""
    found = []
    for column in record._meta.fields:
        value = getattr(record, column.attname)
        if column.name not in _OWN and value not in (None, "", []):
            shown = ", ".join(str(item) for item in value) if isinstance(value, list) else value
            found.append((column.name.replace("_", " "), shown))
    return found
