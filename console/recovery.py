"""The page of recovery: missed deliveries of each hook with their state, and a button that looks again."""

import logging
from collections import defaultdict
from typing import Any
from urllib.parse import urlencode

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import messages
from django.db.models import BooleanField, Count, ExpressionWrapper, Q
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import aget_object_or_404, redirect
from django.utils import timezone
from django.views import View

from console.accounts.roles import require_operator
from console.pages import key_of, page, row_id
from ledger import operations
from ledger.models import OPEN, Kind, Operation
from receiver.queue import OPERATION, wake_workers
from upstream.credentials import Credentials
from upstream.missing import API
from upstream.models import HookKind, Missed, MissedState, Pause, WatchedHook

logger = logging.getLogger(__name__)

MAX_HOOKS = 100  # that are shown, those whose last look failed first
# Missed deliveries that are counted, the newest.
MAX_COUNTED = 100_000
MAX_LISTED = 100  # rows of each list
MAX_RUNNING = 10  # recoveries under way that are shown
LOST = (
    "GitHub does not deliver these again. While its API still shows one, Fetch unsigned stores its payload;"
    " a sync of the repository records what they would have changed."
)
WAITING = (
    "GitHub was asked for these, or will be: each at most three times. It is asked again a minute and an hour"
    " later if something came through the hook or a receiver started; otherwise, and where a reason is shown,"
    " after an hour and three hours before GitHub forgets."
)


class RecoveryView(View):
    """The hooks, with what they missed, and the deliveries that are lost or not there yet."""

    async def get(self, request: HttpRequest) -> HttpResponse:
        """Show the page, or to htmx only what changes."""
        is_part = bool(getattr(request, "htmx", False))
        template = "recovery_parts.html" if is_part else "recovery.html"
        return await page(request, template, await sync_to_async(_read)())

    async def post(self, request: HttpRequest) -> HttpResponseBase:
        """Queue a recovery of one hook, or of all."""
        await require_operator(request)
        if not Credentials.configured():
            messages.error(request, "No credential for GitHub's API is set.")
            return redirect("recovery")
        chosen = request.POST.get("hook", "")
        parameters: dict[str, Any] = {"hooks": None, "since": None, "fetch": request.POST.get("fetch") == "1"}
        if chosen:
            hook = await aget_object_or_404(WatchedHook, pk=row_id(chosen))
            parameters |= {"hooks": [hook.pk], "hook": f"{hook.hook_id} of {hook.kind} {hook.name}"}
        user = request.user.get_username()
        key = key_of(request, chosen, parameters["fetch"])
        operation = await sync_to_async(operations.create)(Kind.RECOVER, parameters, user, key=key)
        logger.info("recover operation=%d user=%s hook=%s", operation.pk, user, chosen or "all")
        await wake_workers([OPERATION])
        messages.info(request, "A worker looks for missed deliveries now.")
        return redirect("operation", pk=operation.pk)


def _read() -> dict[str, Any]:
    newest = Missed.objects.order_by("-pk").values("pk")[:MAX_COUNTED]
    rows = Missed.objects.filter(pk__in=newest).values("watched", "state").annotate(count=Count("pk"))
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    for row in rows.order_by():
        counts[row["watched"]][row["state"]] = row["count"]
    succeeded = ExpressionWrapper(Q(error=""), BooleanField())
    hooks = list(WatchedHook.objects.order_by(succeeded, "kind", "name", "hook_id")[: MAX_HOOKS + 1])
    columns = ("guid", "event", "action", "delivered_at", "outcome", "asks", "reason", "hook_id", "state")
    lost = Missed.objects.filter(state=MissedState.LOST).only(*columns).order_by("-delivered_at")
    waiting = Missed.objects.filter(state__in=[MissedState.FOUND, MissedState.ASKED]).only(*columns)
    return {
        "configured": bool(Credentials.configured()),
        "api": settings.GITHUB_API_URL,
        "every": settings.RECOVER_EVERY,
        "limited": Pause.objects.filter(name=API, until__gt=timezone.now()).first(),
        "hooks": [
            {
                "hook": hook,
                "found": sum(counts[hook.pk].values()),
                "has_api": hook.kind != HookKind.OTHER,
                "query": urlencode({"hook": hook.hook_id}),
                **{
                    state.value: counts[hook.pk].get(state.value, 0)
                    for state in MissedState
                    if state != "found"
                },
            }
            for hook in hooks[:MAX_HOOKS]
        ],
        "has_more": len(hooks) > MAX_HOOKS,
        "running": list(Operation.objects.filter(OPEN, kind=Kind.RECOVER).order_by("pk")[:MAX_RUNNING]),
        "lists": [
            ("Lost", LOST, list(lost[:MAX_LISTED])),
            ("Not there yet", WAITING, list(waiting.order_by("-delivered_at")[:MAX_LISTED])),
        ],
    }
