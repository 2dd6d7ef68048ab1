"""Releases: the state that the newest snapshot shows."""

from handlers import DeliveryContext, on
from records.models import Release
from schemas.release import ReleaseEvent


@on(ReleaseEvent)
async def record(event: ReleaseEvent, delivery: DeliveryContext) -> None:
    """Record the release, whatever the action; `deleted` leaves a tombstone."""
    row, decision = await Release.objects.record(event, delivery.server)
    delivery.note(f"{row['tag_name']} {event.action} ({decision.value})")
