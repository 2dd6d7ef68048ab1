"""Replay from the pages: one delivery or those that are selected at once, all that match as an operation."""

import logging
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View

from console.accounts.roles import require_operator
from console.pages import ActionView, key_of, page, row_id
from ledger import counting, filters, operations, replays
from ledger.filters import Filter, InvalidFilterError
from ledger.models import Kind, Operation
from ledger.selection import PORTION, Selection
from receiver.models import Status
from receiver.queue import OPERATION, wake_workers

logger = logging.getLogger(__name__)

# Deliveries per second.
HIGHEST_RATE = 100_000.0


class ReplayView(ActionView):
    """Makes the deliveries of a form due again, so that a worker processes them."""

    async def post(self, request: HttpRequest) -> HttpResponseBase:
        """Replay them at once, and go back to the page that the form was on."""
        await require_operator(request)
        ids = sorted({pk for text in request.POST.getlist("id") if (pk := row_id(text))})[:PORTION]
        if ids:
            operation = await _replay(ids, request.user.get_username(), key_of(request, ids))
            text = said(operation.done, operation.failures)
            log = f"Operation {operation.pk}"
            messages.info(request, format_html('{} <a href="/operations/{}">{}</a>', text, operation.pk, log))
        else:
            messages.info(request, "Nothing is selected.")
        return redirect(_back(request))


async def _replay(ids: list[int], by: str, key: UUID) -> Operation:
    operation, reopened = await sync_to_async(replays.at_once)(ids, by, key)
    logger.info("replay operation=%d user=%s deliveries=%d", operation.pk, by, operation.done)
    if reopened.events:
        await wake_workers(reopened.events)
    return operation


def said(done: int, failures: Mapping[str, int]) -> str:
    """Return the message of the page about the outcome of a replay."""
    text = f"{done} {'delivery is' if done == 1 else 'deliveries are'} processed again."
    return text + "".join(f" {count} left alone: {reason}." for reason, count in failures.items())


def _back(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    return wanted if url_has_allowed_host_and_scheme(wanted, None) else "/deliveries"


class ReplayAllView(View):
    """Asks before all deliveries of a filter are replayed, and starts the operation."""

    async def get(self, request: HttpRequest) -> HttpResponseBase:
        """Say how many there are and what a replay does to them, and ask for a rate."""
        await require_operator(request)
        chosen = _chosen(request)
        return await _ask(request, chosen) if chosen else redirect("/deliveries")

    async def post(self, request: HttpRequest) -> HttpResponseBase:
        """Start it, and lead to its page. The same form sent twice starts it once."""
        await require_operator(request)
        chosen = _chosen(request)
        if not chosen:
            return redirect("/deliveries")
        try:
            rate, key = read_rate(request.POST.get("rate", "")), UUID(request.POST.get("key", ""))
        except ValueError as error:
            return await _ask(request, chosen, str(error))
        by = request.user.get_username()
        operation = await sync_to_async(_create)(chosen, by, rate, key)
        logger.info("replay operation=%d user=%s filter=%s", operation.pk, by, chosen.query)
        await wake_workers([OPERATION])
        return redirect(f"/operations/{operation.pk}")


def _chosen(request: HttpRequest) -> Filter | None:
    """Return the filter in the URL; None where there is none or it cannot be one."""
    try:
        return filters.parse(request.GET, timezone.now()) or None
    except InvalidFilterError:
        return None


def read_rate(text: str) -> float:
    """Return deliveries per second, 0 for an empty text. Raises `ValueError` with what it must be."""
    try:
        rate = float(text.strip() or 0)
    except ValueError:
        rate = -1.0
    if not math.isfinite(rate) or not 0 <= rate <= HIGHEST_RATE:
        raise ValueError(f"The rate must be a number of deliveries per second, at most {HIGHEST_RATE:,.0f}")
    return rate


def _create(chosen: Filter, by: str, rate: float, key: UUID) -> Operation:
    selection = Selection.of(chosen.chosen)
    estimated = selection.rows.order_by()[: counting.CAP].count()
    return operations.create(Kind.REPLAY, selection.parameters, by, rate=rate, estimated=estimated, key=key)


async def _ask(request: HttpRequest, chosen: Filter, error: str = "") -> HttpResponseBase:
    rows = (await sync_to_async(Selection.of)(chosen.chosen)).rows
    context: dict[str, Any] = {
        "chosen": chosen,
        "count": await counting.capped(rows),
        "succeeded": await counting.capped(rows.filter(status=Status.SUCCEEDED)),
        "processing": await counting.capped(rows.filter(status=Status.PROCESSING)),
        "rate": request.POST.get("rate", ""),
        "error": error,
    }
    return await page(request, "replay_all.html", context, HTTPStatus.BAD_REQUEST if error else HTTPStatus.OK)
