"""Reviews of pull requests."""

from handlers import DeliveryContext, on
from records.models import PullRequestReview
from schemas.pull_request_review import PullRequestReviewEvent


@on(PullRequestReviewEvent)
async def record(event: PullRequestReviewEvent, delivery: DeliveryContext) -> None:
    """Record the review, whatever the action; dismissed is final."""
    row, decision = await PullRequestReview.objects.record(event, delivery.server)
    delivery.note(f"review of #{row['number']} {event.action}: {row['state']} ({decision.value})")
