"""Labels of repositories."""

from handlers import DeliveryContext, on
from records.models import Label
from schemas.label import LabelEvent


@on(LabelEvent)
async def record(event: LabelEvent, delivery: DeliveryContext) -> None:
    """Record the label, whatever the action; `deleted` leaves a tombstone."""
    row, decision = await Label.objects.record(event, delivery.server)
    delivery.note(f"{row['name']} {event.action} ({decision.value})")
