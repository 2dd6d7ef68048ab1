"""Statuses of commits."""

from handlers import DeliveryContext, on
from records.models import CommitStatus
from schemas.status import StatusEvent


@on(StatusEvent)
async def record(event: StatusEvent, delivery: DeliveryContext) -> None:
    """Record the status as posted."""
    row, decision = await CommitStatus.objects.record(event, delivery.server)
    delivery.note(f"{row['context']}: {row['state']} ({decision.value})")
