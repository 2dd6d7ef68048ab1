"""Recovery: what each hook missed, what became of it, and a button that looks again."""

from collections import defaultdict
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.views import View

from console.accounts.roles import require_operator
from console.pages import page
from ledger import operations
from ledger.models import Kind
from upstream.models import HookKind, Missed, MissedState, WatchedHook

HOOKS = 100
# Missed deliveries that are counted, the newest.
COUNTED = 100_000
# Rows of each list.
LISTED = 100


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
        if not configured():
            messages.error(request, "No credential for GitHub's API is set.")
            return redirect("recovery")
        chosen = request.POST.get("hook", "")
        known = chosen.isascii() and chosen.isdigit() and len(chosen) < 19  # noqa: PLR2004 - fits a bigint
        hooks = [int(chosen)] if known else None
        parameters = {"hooks": hooks, "since": None, "fetch": request.POST.get("fetch") == "1"}
        user = request.user.get_username()
        key = _key(request.POST.get("key", ""))
        await sync_to_async(operations.create)(Kind.RECOVER, parameters, user, key=key)
        messages.info(request, "A worker looks for missed deliveries now.")
        return redirect("recovery")


def configured() -> bool:
    """Return whether a credential for GitHub's API is set."""
    return bool(settings.GITHUB_TOKEN or settings.GITHUB_APP_ID)


def _key(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _read() -> dict[str, Any]:
    newest = Missed.objects.order_by("-pk").values("pk")[:COUNTED]
    rows = Missed.objects.filter(pk__in=newest).values("watched", "state").annotate(count=Count("pk"))
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    for row in rows.order_by():
        counts[row["watched"]][row["state"]] = row["count"]
    hooks = WatchedHook.objects.order_by("kind", "name", "hook_id")[:HOOKS]
    columns = ("guid", "event", "action", "delivered_at", "outcome", "asks", "reason", "hook_id", "state")
    lost = Missed.objects.filter(state=MissedState.LOST).only(*columns).order_by("-delivered_at")
    waiting = Missed.objects.filter(state__in=[MissedState.FOUND, MissedState.ASKED]).only(*columns)
    return {
        "configured": configured(),
        "api": settings.GITHUB_API_URL,
        "every": settings.RECOVER_EVERY,
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
            for hook in hooks
        ],
        "lists": [
            ("Lost", list(lost[:LISTED])),
            ("Not there yet", list(waiting.order_by("-delivered_at")[:LISTED])),
        ],
    }
