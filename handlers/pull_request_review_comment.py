"""Comments on the lines of pull requests."""

from handlers import DeliveryContext, on
from records.models import ReviewComment
from schemas.pull_request_review_comment import PullRequestReviewCommentEvent


@on(PullRequestReviewCommentEvent)
async def record(event: PullRequestReviewCommentEvent, delivery: DeliveryContext) -> None:
    """Record the comment, whatever the action; `deleted` leaves a tombstone."""
    row, decision = await ReviewComment.objects.record(event, delivery.server)
    delivery.note(f"comment on #{row['number']} {event.action} ({decision.value})")
