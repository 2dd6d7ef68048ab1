"""The first page: the state of the ledger, or how to begin while it is empty."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views import View
from django_htmx.http import HttpResponseClientRedirect

from configuration import data_folder
from console import charts, shell_lines
from console.advice import ADVICE
from console.pages import page
from ledger import heartbeats, overview, reading, summary
from ledger.counting import CAP, Count
from ledger.heartbeats import Heartbeat
from ledger.overview import Open, Overview
from receiver.models import Delivery, Rejection, Status

# Deliveries of one worker that are shown: those that it has held for the longest time.
MAX_RUNNING = 5
MAX_REASONS = 8
MAX_EVENTS = 3
# Replaces the varying parts of a reason; no error contains it.
VARIES = "…"


class OverviewView(View):
    """Rates, what waits, the workers, the next retries and what died; the first-run page before that."""

    async def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show the page, or to htmx only what changes."""
        is_part = bool(getattr(request, "htmx", False))
        if is_part and request.GET.get("first"):
            first = await Delivery.objects.values_list("pk", flat=True).afirst()
            return HttpResponseClientRedirect(f"/deliveries/{first}") if first else await _begin(request)
        found = await sync_to_async(overview.read)(timezone.now())
        if found.is_empty and not await Delivery.objects.aexists():
            return await _begin(request)
        alive, redis_error = await sync_to_async(heartbeats.read_or_error)()
        shown = context(found, alive, redis_error)
        return await page(request, "overview_parts.html" if is_part else "overview.html", shown)


async def _begin(request: HttpRequest) -> HttpResponseBase:
    secret = settings.DATA / data_folder.SECRET_FILE
    refused = await Rejection.objects.order_by("-pk").afirst()
    context = {
        "refused": refused,
        "advice": ADVICE.get(refused.reason, "") if refused else "",
        "webhook": f"http://127.0.0.1:{settings.PORT}/webhooks/github",
        "secret": secret if secret.exists() else None,
        "manage": shell_lines.finding(settings.DATA, settings.BASE_DIR / "var") + shell_lines.MANAGE,
    }
    return await page(request, "first_run.html", context)


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker with what it holds; `since` is None for one that is not seen alive."""

    name: str
    state: str
    """Empty for one that is alive; gone; unknown while Redis is away."""
    since: datetime | None
    at_work: int
    running: Sequence[tuple[Open, str]]
    """The deliveries that it has held for the longest time, each with how long."""


def context(found: Overview, alive: Sequence[Heartbeat], redis_error: str) -> dict[str, Any]:
    """Return what the template shows; while Redis is away, `redis_error` says why no worker is known."""
    minutes = found.charts.minutes
    more = minutes.uncounted is not None
    failed = sum(count for (_, status), count in minutes.numbers.items() if status == Status.DEAD)
    return {
        "now": found.now,
        "charts": [
            charts.bars(found.charts.received, "Received"),
            charts.bars(minutes, "Settled"),
            charts.bars(found.charts.hours, "Settled"),
        ],
        "legend": charts.SETTLED,
        "waiting": Count(found.waiting.total, more=found.waiting.total >= CAP),
        "waits": sorted(found.waiting.numbers.items()),
        "oldest": found.waiting.oldest,
        "settled": Count(minutes.total, more=more),
        "failed": Count(failed, more=more),
        "dead": Count(found.dead, more=found.dead >= CAP),
        "reasons": _reasons(found.errors),
        "workers": _workers(found.held, alive, "unknown" if redis_error else "gone"),
        "alive": len(alive),
        "redis_error": redis_error,
        "retries": found.retries,
        "rejections": found.rejections,
        "rejected": sum(number for _, number in found.rejections),
        "unmatched": found.unmatched[:MAX_REASONS],
        "ignored_is_cut": sum(number for _, number in found.unmatched) >= overview.MAX_IGNORED,
        "most_ignored": overview.MAX_IGNORED,
        "silent": [(one, summary.span(one.usually.total_seconds())) for one in found.silent],
        "days": overview.DAYS_COUNTED,
        "most_errors": reading.MAX_ERRORS,
    }


def _workers(held: Sequence[Open], alive: Sequence[Heartbeat], unseen: str) -> list[Worker]:
    """Return the live workers, and those that are not seen alive and whose leases have not ended."""
    by_worker: dict[str, list[Open]] = defaultdict(list)
    for one in held:
        by_worker[one.worker].append(one)
    beats = {beat.worker: beat for beat in alive}
    found = []
    for name in [*beats, *sorted(by_worker.keys() - beats.keys())]:
        beat = beats.get(name)
        lasted = beat.running if beat else {}
        longest = sorted(by_worker[name], key=lambda one: -lasted.get(one.id, 0))[:MAX_RUNNING]
        running = [(one, summary.span(lasted[one.id]) if one.id in lasted else "") for one in longest]
        at_work = beat.at_work if beat else len(by_worker[name])
        state = "" if beat else unseen
        found.append(Worker(name, state, beat.since if beat else None, at_work, running))
    return found


def _reasons(errors: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Return why deliveries died, each with the URL that finds them."""
    return [
        {
            "reason": reason,
            "number": number,
            "events": events[:MAX_EVENTS],
            "more": len(events[MAX_EVENTS:]),
            "url": _url(reason),
        }
        for reason, number, events in summary.grouped(errors)[:MAX_REASONS]
    ]


def _url(reason: str) -> str:
    """Return the list of the dead whose error has all words of a reason but those that vary."""
    words = " ".join(word for word in reason[:-1].split() if VARIES not in word)
    error = {} if reason == summary.PRUNED else {"error": words}
    return f"/deliveries?{urlencode({'status': Status.DEAD.value, **error})}"
