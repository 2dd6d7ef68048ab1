"""Forks of repositories."""

from handlers import DeliveryContext, on
from records.models import Fork
from schemas.fork import ForkEvent


@on(ForkEvent)
async def record(event: ForkEvent, delivery: DeliveryContext) -> None:
    """Record that a copy was created. The copy becomes a `Repository` with its own first delivery."""
    row, decision = await Fork.objects.record(event, delivery.server)
    delivery.note(f"{row['full_name']} ({decision.value})")
