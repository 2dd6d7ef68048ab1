"""One delivery: its story, its headers and payload, and its exact bytes."""

from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views import View
from pydantic import JsonValue

from console import payload_tree, shell_lines, timeline, wrote
from console.pages import page
from ledger import counting, filters, halves, heartbeats
from ledger.models import Replay
from receiver.frames import UnreadableBodyError
from receiver.models import TERMINAL, Delivery, HandlerRun

# Rows that the page shows, the newest.
MAX_RUNS = 500
MAX_REPLAYS = 100
# Deliveries of the same thing are counted up to this number.
MAX_RELATED = 99


class DeliveryView(View):
    """A page for one delivery; its story refreshes until it is settled."""

    async def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the delivery, or to htmx only its story."""
        only_story = bool(getattr(request, "htmx", False))
        delivery, body = await _read(pk, with_body=not only_story)
        settled = delivery.status in TERMINAL
        if only_story and settled:
            # The last refresh: its handlers wrote their records after the page was loaded.
            delivery, body = await _read(pk, with_body=True)
        runs = HandlerRun.objects.filter(delivery=pk).order_by("-pk")[:MAX_RUNS]
        replays = Replay.objects.filter(delivery=pk).order_by("-pk")[:MAX_REPLAYS]
        context: dict[str, Any] = {
            "delivery": delivery,
            "entries": timeline.entries(
                delivery, [run async for run in runs][::-1], [one async for one in replays][::-1]
            ),
            "settled": settled,
            "no_worker": not settled and await sync_to_async(heartbeats.none)(delivery.lease_expires_at),
            "only_story": only_story,
            "forward_urls": settings.FORWARD_URLS,
        }
        payload = None
        if body is not None and len(body) <= payload_tree.MAX_SHOWN:
            with suppress(ValueError):
                payload = payload_tree.read(body, delivery.content_type)
        if settled or not only_story:
            context["wrote"] = await wrote.links(delivery, payload)
        if only_story:
            return await page(request, "delivery_story.html", context)
        context |= _known(delivery) | await _around(delivery)
        if body is not None:
            context |= _shown(body, payload)
        else:
            context["pruned"] = "body" not in delivery.get_deferred_fields()
        return await page(request, "delivery.html", context)


async def _read(pk: int, *, with_body: bool) -> tuple[Delivery, bytes | None]:
    """Return a delivery and its body; None for a body that was pruned, or is damaged.

    A damaged body is a deferred field of the delivery.
    """
    rows = Delivery.objects.filter(pk=pk)
    try:
        delivery = await (rows if with_body else rows.defer("body")).afirst()
        body = delivery.body if delivery and with_body else None
    except UnreadableBodyError:
        delivery, body = await rows.defer("body").afirst(), None
    if delivery is None:
        raise Http404
    return delivery, body


def _known(delivery: Delivery) -> dict[str, Any]:
    """Return the parts of the page that do not need the body."""
    url = _webhook(delivery)
    finding = shell_lines.finding(settings.DATA, settings.BASE_DIR / "var")
    return {
        "size": delivery.size,
        "headers": {"Content-Type": delivery.content_type, **delivery.headers},
        "replay": finding + shell_lines.replay(delivery.guid),
        "send": finding + shell_lines.send(delivery.event, delivery.guid, url if delivery.source else ""),
        "curl": shell_lines.curl(delivery.headers, delivery.content_type, delivery.guid, url),
    }


def _shown(body: bytes, payload: JsonValue) -> dict[str, Any]:
    """Return the payload: as a tree where it is small enough, and its first bytes as text."""
    shown = payload_tree.MAX_SHOWN
    return {
        "readable": True,
        "size": len(body),
        "raw": body[:shown].decode(errors="replace"),
        "cut": max(0, len(body) - shown),
        "tree": None if payload is None else payload_tree.tree(payload),
    }


def _webhook(delivery: Delivery) -> str:
    source = f"/{delivery.source}" if delivery.source else ""
    return f"http://127.0.0.1:{settings.PORT}/webhooks/github{source}"


async def _around(delivery: Delivery) -> dict[str, Any]:
    """Return links to other deliveries of the same event, and of the same issue or pull request."""
    now = timezone.now()
    related = [("of the same GUID, to other hooks", {"guid": str(delivery.guid)})]
    if delivery.repository and delivery.number:
        about = {"repository": delivery.repository, "number": str(delivery.number)}
        related.append((f"about {delivery.repository}#{delivery.number}", about))
    found = []
    for name, columns in related:
        chosen = filters.parse(columns, now)
        others = filters.deliveries(chosen).exclude(pk=delivery.pk)
        # The index of guids holds both halves.
        count = await (
            counting.capped(others, MAX_RELATED)
            if "guid" in columns
            else counting.deliveries(others, await halves.reach(chosen), MAX_RELATED)
        )
        if count.number:
            found.append((count, name, f"/deliveries?{urlencode(columns)}"))
    return {"related": found}


class BodyView(View):
    """The exact bytes that were signed."""

    async def get(self, _request: HttpRequest, pk: int) -> HttpResponse:
        """Send them as a file to save: no browser shows or runs its content."""
        delivery, body = await _read(pk, with_body=True)
        if body is None:
            raise Http404
        return HttpResponse(
            body,
            content_type="application/octet-stream",
            headers={
                "Content-Disposition": f'attachment; filename="{shell_lines.file_name(delivery.guid)}"',
                "Content-Security-Policy": "sandbox; default-src 'none'",
            },
        )
