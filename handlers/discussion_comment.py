"""Comments in discussions."""

from handlers import DeliveryContext, on
from records.models import DiscussionComment
from schemas.discussion_comment import DiscussionCommentEvent


@on(DiscussionCommentEvent)
async def record(event: DiscussionCommentEvent, delivery: DeliveryContext) -> None:
    """Record the comment, whatever the action; `deleted` leaves a tombstone."""
    row, decision = await DiscussionComment.objects.record(event, delivery.server)
    delivery.note(f"comment in #{row['number']} {event.action} ({decision.value})")
