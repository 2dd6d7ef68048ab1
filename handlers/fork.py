"""Copies that others made."""

from handlers import DeliveryContext, on
from records.models import Fork
from schemas.fork import ForkEvent


@on(ForkEvent)
async def record(event: ForkEvent, delivery: DeliveryContext) -> None:
    """Write down the copy."""
    row, decision = await Fork.objects.record(event, delivery.server)
    delivery.note(f"{row['full_name']} ({decision.value})")
