"""The first page: what comes and what becomes of it, or how to begin while nothing has come."""

from typing import Any
from urllib.parse import urlencode

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views import View
from django_htmx.http import HttpResponseClientRedirect

from console import charts
from console.pages import page
from dev import folder
from ledger import rates, reading, summary
from ledger.reading import Reading
from ledger.summary import Sheet
from receiver.models import Delivery, Status

CHARTS = (
    ("Received", rates.received, rates.MINUTE, rates.HOUR),
    ("Settled", rates.settled, rates.MINUTE, rates.HOUR),
    ("Settled", rates.settled, rates.HOUR, 7 * 24 * rates.HOUR),
)
# What stands for the varying parts of a reason; no error holds it.
VARIES = "…"


class OverviewView(View):
    """Rates, the queue, the workers, the next retries and what died; the first-run page before that."""

    async def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show the page, or to htmx only what changes."""
        is_part = bool(getattr(request, "htmx", False))
        first = await Delivery.objects.values_list("pk", flat=True).afirst()
        if first is None:
            return await page(request, "first_run.html", _beginning())
        if is_part and request.GET.get("first"):
            return HttpResponseClientRedirect(f"/deliveries/{first}")
        context = await sync_to_async(_read)()
        return await page(request, "overview_parts.html" if is_part else "overview.html", context)


def _beginning() -> dict[str, Any]:
    secret = settings.DATA / folder.SECRET_FILE
    return {
        "webhook": f"http://127.0.0.1:{settings.PORT}/webhooks/github",
        "secret": secret if secret.exists() else None,
    }


def _read() -> dict[str, Any]:
    read = reading.read()
    drawn = [charts.bars(count(read.now, step, length), what) for what, count, step, length in CHARTS]
    sheets = [summary.deliveries(read), summary.workers(read), summary.retries(read)]
    return {
        "headline": summary.headline(read),
        "charts": drawn,
        "sheets": [_table(sheet) for sheet in sheets if sheet.rows],
        "dead": read.dead,
        "reasons": _reasons(read),
    }


def _table(sheet: Sheet) -> dict[str, Any]:
    """Return a sheet with each heading and cell beside whether it is a number."""
    numbers = [column in sheet.numbers for column in sheet.columns]
    return {
        "title": sheet.title,
        "columns": list(zip(sheet.columns, numbers, strict=True)),
        "rows": [list(zip(row, numbers, strict=True)) for row in sheet.rows],
    }


def _reasons(read: Reading) -> list[dict[str, Any]]:
    """Return why deliveries died, each with the URL that finds them."""
    return [
        {"reason": reason, "number": number, "events": events, "url": _url(reason)}
        for reason, number, events in summary.grouped(read.errors)[: summary.MAX_REASONS]
    ]


def _url(reason: str) -> str:
    """Return the list of the dead whose error has all words of a reason but those that vary."""
    words = " ".join(word for word in reason[:-1].split() if VARIES not in word)
    return f"/deliveries?{urlencode({'status': Status.DEAD.value, 'error': words})}"
