"""Deleted branches and tags."""

from handlers import DeliveryContext, on
from records.models import RefChange
from schemas.delete import DeleteEvent


@on(DeleteEvent)
async def record(event: DeleteEvent, delivery: DeliveryContext) -> None:
    """Record that a branch or a tag was deleted."""
    _, decision = await RefChange.objects.record(event, delivery.server, delivery.received_at)
    delivery.note(f"{event.ref_type} {event.ref} deleted ({decision.value})")
