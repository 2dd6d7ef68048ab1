"""Stars of repositories, added and removed."""

from handlers import DeliveryContext, on
from records.models import Star
from schemas.star import StarEvent


@on(StarEvent, action=("created", "deleted"))
async def record(event: StarEvent, delivery: DeliveryContext) -> None:
    """Record whether the sender stars the repository; a deleted account has no stars."""
    if event.sender is None:
        delivery.note(f"a star {event.action} by an account that is gone")
        return
    row, decision = await Star.objects.record(event, event.sender, delivery.server, delivery.received_at)
    delivery.note(f"star of {row['login']} {event.action} ({decision.value})")
