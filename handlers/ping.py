"""Pings: the first that is heard of a hook, and often of its repository."""

from handlers import DeliveryContext, on
from records.models import Repository
from schemas.ping import PingEvent


@on(PingEvent)
async def record(event: PingEvent, delivery: DeliveryContext) -> None:
    """Write down the repository; the ping of an organisation's hook has none."""
    if event.repository is None:
        delivery.note("hook of an organisation")
        return
    decision = await Repository.objects.record(event.repository)
    delivery.note(f"hook of {event.repository.full_name} ({decision.value})")
