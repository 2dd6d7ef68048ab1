"""Threads on the lines of pull requests: resolved, or open again."""

from handlers import DeliveryContext, on
from records.models import ReviewThread
from schemas.pull_request_review_thread import PullRequestReviewThreadEvent


@on(PullRequestReviewThreadEvent, action=("resolved", "unresolved"))
async def record(event: PullRequestReviewThreadEvent, delivery: DeliveryContext) -> None:
    """Record whether the thread is resolved; one without comments cannot be identified."""
    comment = next((comment for comment in event.thread.comments or () if comment), None)
    if comment is None:
        delivery.note("a thread without comments")
        return
    row, decision = await ReviewThread.objects.record(event, comment, delivery.server)
    delivery.note(f"thread of #{row['number']} {event.action} ({decision.value})")
