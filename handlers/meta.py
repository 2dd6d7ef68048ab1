"""Deleted hooks."""

from handlers import DeliveryContext, on
from records.models import Hook
from schemas.meta import MetaEvent


@on(MetaEvent, action="deleted")
async def record(event: MetaEvent, delivery: DeliveryContext) -> None:
    """Record that the hook was deleted."""
    _, decision = await Hook.objects.record(event, delivery.server, delivery.hook_id, delivery.received_at)
    delivery.note(f"hook {event.own_hook_id} gone ({decision.value})")
