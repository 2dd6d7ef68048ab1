"""One delivery: its story, its headers and payload, and its exact bytes."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views import View

from console import copying, payload_tree, timeline
from console.pages import page
from ledger import counting
from receiver.models import TERMINAL, Delivery, HandlerRun
from records.models import Repository

RUNS = 500
# Deliveries of the same thing are counted up to this number.
MOST_RELATED = 99


class DeliveryView(View):
    """A page for one delivery; its story refreshes until it is settled."""

    async def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the delivery, or to htmx only its story."""
        only_story = bool(getattr(request, "htmx", False))
        rows = Delivery.objects.defer("body") if only_story else Delivery.objects.all()
        delivery = await rows.filter(pk=pk).afirst()
        if delivery is None:
            raise Http404
        runs = HandlerRun.objects.filter(delivery=pk).order_by("-pk")[:RUNS]
        context: dict[str, Any] = {
            "delivery": delivery,
            "entries": timeline.entries(delivery, [run async for run in runs][::-1]),
            "settled": delivery.status in TERMINAL,
            "forward_urls": settings.FORWARD_URLS,
        }
        if only_story:
            return await page(request, "delivery_story.html", context)
        return await page(request, "delivery.html", context | _payload(delivery) | await _around(delivery))


def _payload(delivery: Delivery) -> dict[str, Any]:
    """Return the headers and the payload: as a tree where it is small enough, and its first bytes as text."""
    body, shown = delivery.body, payload_tree.SHOWN
    context: dict[str, Any] = {
        "size": len(body),
        "raw": body[:shown].decode(errors="replace"),
        "cut": len(body) - shown if len(body) > shown else 0,
        "headers": {"Content-Type": delivery.content_type, **delivery.headers},
        "send": copying.send(delivery.event, delivery.guid),
        "curl": copying.curl(delivery.headers, delivery.content_type, delivery.guid, _webhook(delivery)),
    }
    if not context["cut"]:
        try:
            context["tree"] = payload_tree.tree(payload_tree.read(body, delivery.content_type))
        except ValueError:
            context["no_tree"] = True
    return context


def _webhook(delivery: Delivery) -> str:
    source = f"/{delivery.source}" if delivery.source else ""
    return f"http://127.0.0.1:{settings.PORT}/webhooks/github{source}"


async def _around(delivery: Delivery) -> dict[str, Any]:
    """Return links to other deliveries of the same event, and of the same issue or pull request."""
    related = [("of the same GUID, to other hooks", {"guid": str(delivery.guid)})]
    if delivery.repository and delivery.number:
        about = {"repository": delivery.repository, "number": str(delivery.number)}
        related.append((f"about {delivery.repository}#{delivery.number}", about))
    found = []
    for name, columns in related:
        others = Delivery.objects.filter(**columns).exclude(pk=delivery.pk)
        count = await counting.capped(others, MOST_RELATED)
        if count.number:
            found.append((count, name, f"/deliveries?{urlencode(columns)}"))
    recorded = Repository.objects.filter(github_id=delivery.repository_id or 0, full_name=delivery.repository)
    return {"related": found, "recorded": await recorded.values_list("pk", flat=True).afirst()}


class BodyView(View):
    """The exact bytes that were signed."""

    async def get(self, _request: HttpRequest, pk: int) -> HttpResponse:
        """Send them as a file to save: no browser shows or runs what is in it."""
        found = await Delivery.objects.filter(pk=pk).values_list("guid", "body").afirst()
        if found is None:
            raise Http404
        guid, body = found
        return HttpResponse(
            body,
            content_type="application/octet-stream",
            headers={
                "Content-Disposition": f'attachment; filename="{copying.file_name(guid)}"',
                "Content-Security-Policy": "sandbox; default-src 'none'",
            },
        )
