"""Milestones: the state that the newest snapshot shows."""

from handlers import DeliveryContext, on
from records.models import Milestone
from schemas.milestone import MilestoneEvent


@on(MilestoneEvent)
async def record(event: MilestoneEvent, delivery: DeliveryContext) -> None:
    """Record the milestone, whatever the action; `deleted` leaves a tombstone."""
    row, decision = await Milestone.objects.record(event, delivery.server)
    delivery.note(f"{row['title']} {event.action}: {row['state']} ({decision.value})")
