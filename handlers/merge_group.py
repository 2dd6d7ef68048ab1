"""Groups of a merge queue."""

from handlers import DeliveryContext, on
from records.models import MergeGroup
from schemas.merge_group import MergeGroupEvent


@on(MergeGroupEvent)
async def record(event: MergeGroupEvent, delivery: DeliveryContext) -> None:
    """Record the group, whatever the action; destroyed is final."""
    row, decision = await MergeGroup.objects.record(event, delivery.server)
    delivery.note(f"{row['head_ref']} {event.action} ({decision.value})")
