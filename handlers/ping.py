"""Pings: the configuration of a hook, and its repository."""

from handlers import DeliveryContext, on
from records.models import Hook
from schemas.ping import PingEvent


@on(PingEvent)
async def record(event: PingEvent, delivery: DeliveryContext) -> None:
    """Record the hook and its repository; an organisation's hook has none.

    A ping that names no hook, in the payload or in a header, leaves no record.
    """
    if not (event.own_hook_id or delivery.hook_id):
        delivery.note("names no hook")
        return
    _, decision = await Hook.objects.record(event, delivery.server, delivery.hook_id, delivery.received_at)
    owner = "an organisation" if event.organization else "no repository or organisation"
    whose = event.repository.full_name if event.repository else owner
    delivery.note(f"hook of {whose} ({decision.value})")
