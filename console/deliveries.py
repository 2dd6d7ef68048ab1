"""The list of deliveries, and the search box that leads to it."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Substr
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views import View

from api.models import SavedView
from console.pages import page
from ledger import counting, filters, halves, paging, search
from ledger.filters import Filter, InvalidFilterError, in_any_case
from ledger.halves import Reach
from ledger.paging import Page
from receiver.models import Delivery, HandlerRun, Status
from records.models import Commit, Repository

# The columns that a row needs; bodies, headers and tracebacks stay in the database.
COLUMNS = (
    "guid", "hook_id", "source", "event", "action", "repository", "sender", "number", "received_at", "status",
    "attempts", "redeliveries", "unsigned", "only_key",
)  # fmt: skip
# Characters of an error that a row shows; a tooltip has them all.
MAX_WHY = 300
# New deliveries that are counted.
MAX_NEWS = 999
MAX_COMMITS = 20
MAX_REPOSITORIES = 10
# Saved views that are chips; the API lists all.
MAX_VIEWS = 50


class DeliveriesView(View):
    """Deliveries, newest first, chosen by the filters in the URL."""

    async def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show a page of deliveries, or to htmx only its rows, their count and the number of new ones."""
        now = timezone.now()
        try:
            chosen = filters.parse(request.GET, now)
        except InvalidFilterError as error:
            context: dict[str, Any] = {
                "chosen": None,
                "values": request.GET,
                "error": error,
                "statuses": Status.values,
            }
            return await page(request, "deliveries.html", context, HTTPStatus.BAD_REQUEST)
        if any(name in request.GET and name not in chosen.chosen for name in filters.CONDITIONS):
            # The form sends its blank fields, too. The URL that people keep names only what was chosen.
            return redirect(_first(chosen))
        is_part = bool(getattr(request, "htmx", False))
        context = await _context(chosen, request.GET, now, is_part=is_part)
        return await page(request, "deliveries_rows.html" if is_part else "deliveries.html", context)


async def _context(
    chosen: Filter, parameters: Mapping[str, str], now: datetime, *, is_part: bool
) -> dict[str, Any]:
    rows = filters.deliveries(chosen)
    listed = rows.only(*COLUMNS).annotate(why=Substr("error", 1, MAX_WHY))
    shown, reach = await _page(chosen, listed, parameters)
    news = count = None
    if is_part and shown.first and not parameters.get("before"):
        news = await counting.deliveries(rows.filter(shown.first.newer), reach, MAX_NEWS)
    if chosen:
        count = await counting.chosen(chosen, reach)
    refresh = _refresh(chosen, shown, parameters)
    return {
        "chosen": chosen,
        "values": chosen.chosen,
        "rows": shown.rows,
        "durations": await _durations([row.pk for row in shown.rows]),
        "count": count,
        "news": news,
        "newer": _link(chosen, after=shown.first) if shown.has_newer and shown.first else None,
        "older": _link(chosen, before=shown.last) if shown.has_older else None,
        "reach": reach,
        "looked_at": halves.MAX_SEARCHED,
        "most_replayed": filters.MAX_REPLAYED,
        "further": _link(chosen, before=reach.settled) if reach.settled and not shown.has_older else None,
        "refresh": refresh,
        "newest": _first(chosen),
        "back": f"/deliveries{refresh}" if shown.has_newer else _first(chosen),
        "statuses": Status.values,
        "repositories": [] if shown.rows else await _repositories(chosen.chosen),
        "views": [row async for row in SavedView.objects.order_by("name")[:MAX_VIEWS]],
        "now": now,
    }


async def _page(
    chosen: Filter, rows: QuerySet[Delivery], parameters: Mapping[str, str]
) -> tuple[Page, Reach]:
    """Return the page that the URL names, and how far it looked back."""
    if before := paging.key(parameters.get("before", "")):
        reach = await halves.reach(chosen, before.older)
        return await paging.before(rows, before, reach=reach), reach
    if after := paging.key(parameters.get("after", "")):
        return await paging.after(rows, after), halves.EVERYTHING
    reach = await halves.reach(chosen)
    return await paging.newest(rows, paging.key(parameters.get("from", "")), reach=reach), reach


async def _repositories(chosen: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return names of repositories to look for instead, each with its query.

    They are the previous names of the repository that was looked for, and of words that were looked for in
    errors alone, the repositories with that name or owner.
    """
    if present := chosen.get("repository"):
        renamed = Repository.objects.filter(in_any_case("full_name", present)).exclude(previous_full_name="")
        former = [row.previous_full_name async for row in renamed[:MAX_REPOSITORIES]]
        return [(name, urlencode({**chosen, "repository": name})) for name in former]
    name = chosen.get("error", "") if len(chosen) == 1 else ""
    if not name:
        return []
    named = Q(full_name__iendswith=f"/{name}") | Q(full_name__istartswith=f"{name}/")
    names = Repository.objects.filter(named).values_list("full_name", flat=True).distinct()
    return [
        (one, urlencode({"repository": one})) async for one in names.order_by("full_name")[:MAX_REPOSITORIES]
    ]


def _first(chosen: Filter) -> str:
    """Return the path of the first page."""
    return f"/deliveries?{chosen.query}" if chosen else "/deliveries"


def _link(chosen: Filter, **key: object) -> str:
    return "?" + urlencode({**chosen.chosen, **key})


def _refresh(chosen: Filter, shown: Page, parameters: Mapping[str, str]) -> str:
    """Return the URL of the same rows as they are later: new ones do not move those that are shown."""
    if not shown.first:
        return _link(chosen)
    if before := parameters.get("before"):
        return _link(chosen, before=before)
    return _link(chosen, **{"from": shown.first})


async def _durations(ids: list[int]) -> dict[int, float]:
    """Return how many seconds the handlers of each delivery took together, since its last replay."""
    runs = HandlerRun.objects.filter(delivery__in=ids, superseded=False)
    sums = runs.values("delivery").annotate(total=Sum("duration")).values_list("delivery", "total")
    return {delivery: total async for delivery, total in sums}


class SearchView(View):
    """The search box."""

    async def get(self, request: HttpRequest) -> HttpResponseBase:
        """Lead to the deliveries that the text names; a commit is shown with the pushes that carried it."""
        text = request.GET.get("q", "").replace("\0", "")
        match search.parse(text):
            case search.Guid(guid):
                return await _guid(str(guid))
            case search.Repository(name, number):
                chosen = {"repository": name}
                if number is not None:
                    chosen["number"] = str(number)
                return redirect(f"/deliveries?{urlencode(chosen)}")
            case search.Sha(sha) as begun:
                commits, deliveries = await _commits(sha), await _begun(begun)
                if len(deliveries) == 1 and not commits:
                    return redirect(f"/deliveries/{deliveries[0].pk}")
                context = {"text": sha, "commits": commits, "deliveries": deliveries}
                return await page(request, "search.html", context)
            case search.Words(words):
                # Cut to where the filter refuses it: a browser and Django take no longer address.
                return redirect(f"/deliveries?{urlencode({'error': words[: filters.LONGEST_VALUE + 1]})}")
            case _:
                return redirect("/deliveries")


async def _guid(guid: str) -> HttpResponseBase:
    """Lead to the one delivery of a guid, or to the list of those that share it."""
    found = [pk async for pk in Delivery.objects.filter(guid=guid).values_list("pk", flat=True)[:2]]
    return redirect(f"/deliveries/{found[0]}" if len(found) == 1 else f"/deliveries?guid={guid}")


async def _begun(sha: search.Sha) -> list[Delivery]:
    """Return the deliveries whose GUID begins so, as the list shows it."""
    if not sha.guids:
        return []
    rows = Delivery.objects.filter(guid__range=sha.guids).only(*COLUMNS).order_by("guid")
    return [row async for row in rows[:MAX_COMMITS]]


async def _commits(sha: str) -> list[dict[str, Any]]:
    """Return the commits whose hash begins so, each with the newest push that carried it."""
    # The index is in the order of the hash, and "g" comes after every digit of one.
    rows = Commit.objects.filter(sha__gte=sha, sha__lt=f"{sha}g").select_related("repository").order_by("sha")
    return [
        {
            "commit": commit,
            "push": await commit.pushes.order_by("-pushed_at").afirst(),
            "query": urlencode({"repository": commit.repository.full_name, "event": "push"}),
        }
        async for commit in rows[:MAX_COMMITS]
    ]
