"""Created branches and tags. The push that created one contains its commits."""

from handlers import DeliveryContext, on
from records.models import RefChange
from schemas.create import CreateEvent


@on(CreateEvent)
async def record(event: CreateEvent, delivery: DeliveryContext) -> None:
    """Record that a branch or a tag was created."""
    _, decision = await RefChange.objects.record(event, delivery.server, delivery.received_at)
    delivery.note(f"{event.ref_type} {event.ref} created ({decision.value})")
