"""The pages of operations: parameters, requester and progress; cancel and resume."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import aget_object_or_404, redirect
from django.utils import timezone
from django.views import View

from console.accounts.roles import require_operator
from console.pages import ActionView, page, row_id
from ledger import heartbeats, operations, outcomes
from ledger.counting import CAP, Count
from ledger.filters import LARGEST_ID, MAX_REPLAYED
from ledger.models import Change, Kind, Operation, State
from receiver.models import TERMINAL, Delivery
from receiver.queue import OPERATION, wake_workers

PAGE_SIZE = 50
# Changes of one operation's state that are shown, the newest.
MAX_CHANGES = 100
LONGEST_VALUE = 200  # characters
# Deliveries of a replay up to which it refreshes every second; it counts more of them every five seconds.
MAX_LIVELY = 10_000
# Deliveries of a replay that are listed: a page of the list has fewer, a request of the API may have more.
MAX_LISTED = 100
REPLAYED_COLUMNS = ("event", "action", "repository", "number", "status", "received_at")
# An idle worker that runs operations of a kind takes one within a second.
TAKEN_WITHIN = timedelta(seconds=10)
# Parameters that are shown in words of their own, or that only a worker reads.
_OWN = {"filter", "ids", "hooks", "after", "newest", "at"}


class OperationsView(View):
    """All operations, newest first: the audit log."""

    async def get(self, request: HttpRequest) -> HttpResponse:
        """Show a page of them, or to htmx only its rows."""
        before = request.GET.get("before", "")
        end = row_id(before) or LARGEST_ID
        rows = [row async for row in Operation.objects.filter(pk__lt=end).order_by("-pk")[: PAGE_SIZE + 1]]
        context = {
            "rows": [(row, list(about(row))) for row in rows[:PAGE_SIZE]],
            "older": rows[PAGE_SIZE - 1].pk if len(rows) > PAGE_SIZE else None,
            "before": before,
        }
        is_part = bool(getattr(request, "htmx", False))
        return await page(request, "operations_rows.html" if is_part else "operations.html", context)


class OperationView(View):
    """One operation; it refreshes until it ends, and the deliveries of a small replay are settled."""

    async def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show its page, or to htmx only what changes."""
        operation = await aget_object_or_404(Operation, pk=pk)
        newest = Change.objects.filter(operation=pk).order_by("-pk")[:MAX_CHANGES]
        state, end = operation.state, most(operation)
        replayed, is_open = await _replayed(operation), state in {State.QUEUED, State.RUNNING}
        became = await outcomes.of(operation)
        unsettled = bool(became and became.unsettled)
        lease = None if unsettled else operation.lease_expires_at
        context: dict[str, Any] = {
            "operation": operation,
            "about": list(about(operation)),
            "is_open": is_open,
            "no_worker": (is_open or unsettled) and await sync_to_async(heartbeats.none)(lease),
            "credential_missing": state == State.QUEUED
            and operation.kind in {Kind.RECOVER, Kind.SYNC}
            and operation.created_at < timezone.now() - TAKEN_WITHIN,
            "became": became,
            "most_replayed": MAX_REPLAYED,
            "is_moving": is_open or unsettled or any(row.status not in TERMINAL for row in replayed),
            "is_lively": is_open and operation.processed <= MAX_LIVELY,
            "may_resume": state in {State.CANCELLED, State.FAILED},
            "estimated": estimated(operation),
            "most": end,
            "reached": end if state == State.FINISHED else operation.processed,
            "percent": 100 * operation.processed // end if end and operation.processed else None,
            "failures": sorted(operation.failures.items(), key=lambda item: (-item[1], item[0])),
            "matching": urlencode(operation.parameters.get("filter", {})),
            "replayed": replayed,
            "changes": [change async for change in newest][::-1],
        }
        only_part = bool(getattr(request, "htmx", False))
        return await page(request, "operation_part.html" if only_part else "operation.html", context)


async def _replayed(operation: Operation) -> list[Delivery]:
    """Return the deliveries of a replay that was asked for by their ids."""
    ids = operation.parameters.get("ids", []) if operation.kind == Kind.REPLAY else []
    rows = Delivery.objects.filter(pk__in=ids[:MAX_LISTED]).only(*REPLAYED_COLUMNS).order_by("pk")
    return [row async for row in rows]


class ChangeView(ActionView):
    """Cancels or resumes an operation."""

    page_name = "operation"

    change: Callable[[int, str], bool] = staticmethod(operations.cancel)
    too_late = "It had ended already."

    async def post(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Change it, and go back to its page."""
        await require_operator(request)
        if await sync_to_async(self.change)(pk, request.user.get_username()):
            await wake_workers([OPERATION])
        else:
            messages.info(request, self.too_late)
        return redirect(f"/operations/{pk}")


def about(operation: Operation) -> Iterator[tuple[str, str, str]]:
    """Yield what an operation is about: a name, a value, and a URL that shows it or an empty text."""
    parameters = operation.parameters
    for name, value in parameters.get("filter", {}).items():
        yield name, value, f"/deliveries?{urlencode({name: value})}"
    ids = parameters.get("ids", [])
    if len(ids) == 1:
        yield "delivery", str(ids[0]), f"/deliveries/{ids[0]}"
    elif ids:
        yield "deliveries", f"{len(ids)} selected", ""
    hooks = parameters.get("hooks") or []
    if hooks and "hook" not in parameters:
        yield "hooks", f"{len(hooks)} selected", ""
    for name, value in parameters.items():
        if name not in _OWN and value not in (None, False, "", []):
            if name == "since" and operation.kind == Kind.RECOVER:
                name, value = "goes back", timedelta(seconds=round(value))  # noqa: PLW2901 - as it is shown
            yield name, "yes" if value is True else str(value)[:LONGEST_VALUE], ""
    if operation.rate:
        yield "rate", f"{operation.rate:g} per second", ""


def estimated(operation: Operation) -> Count | None:
    """Return how many items there are, as far as anybody knows."""
    number = operation.estimated
    return None if number is None else Count(number, more=number >= CAP)


def most(operation: Operation) -> int | None:
    """Return the end of the progress bar; None where it is unknown."""
    if operation.state == State.FINISHED:
        return operation.processed or 1
    if operation.estimated is None or operation.estimated >= CAP:
        return None
    return max(operation.estimated, operation.processed, 1)
