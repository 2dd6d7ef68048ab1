"""The pages of rejections and of unmatched events, with what to do about each."""

from datetime import timedelta

from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views import View

from console.advice import ADVICE
from console.pages import page
from ledger.unmatched import MAX_IGNORED, unmatched
from receiver.models import Reason, Rejection, RejectionCount

DAYS_COUNTED = 7
MAX_SHOWN = 50  # requests


class RejectionsView(View):
    """Requests that the receiver refused."""

    async def get(self, request: HttpRequest) -> HttpResponse:
        """Show counts by reason, what to do about each, and the newest refused requests."""
        reason = request.GET.get("reason", "")
        chosen = (
            Rejection.objects.filter(reason=reason) if reason in Reason.values else Rejection.objects.all()
        )
        since = timezone.now().date() - timedelta(days=DAYS_COUNTED - 1)
        counts = RejectionCount.objects.filter(day__gte=since).values("reason").annotate(total=Sum("count"))
        context = {
            "since": since,
            "reasons": [
                {"reason": row["reason"], "total": row["total"], "advice": ADVICE.get(row["reason"], "")}
                async for row in counts.order_by("-total")
            ],
            "newest": [row async for row in chosen.order_by("-pk")[:MAX_SHOWN]],
            "reason": reason if reason in Reason.values else "",
        }
        return await page(request, "rejections.html", context)


class UnmatchedView(View):
    """Events that no handler wanted."""

    async def get(self, request: HttpRequest) -> HttpResponse:
        """Show which came, how often, an example of each, and what to write for it."""
        found = await unmatched(timezone.now())
        is_cut = sum(row.number for row in found) >= MAX_IGNORED
        context = {"unmatched": found, "is_cut": is_cut, "looked_at": MAX_IGNORED}
        return await page(request, "unmatched.html", context)
