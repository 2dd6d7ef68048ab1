"""Discussions: the state that the newest snapshot shows."""

from handlers import DeliveryContext, on
from records.models import Discussion
from schemas.discussion import DiscussionEvent


@on(DiscussionEvent)
async def record(event: DiscussionEvent, delivery: DeliveryContext) -> None:
    """Record the discussion, whatever the action; `deleted` and `transferred` leave a tombstone."""
    row, decision = await Discussion.objects.record(event, delivery.server)
    delivery.note(f"#{row['number']} {event.action}: {row['state']} ({decision.value})")
