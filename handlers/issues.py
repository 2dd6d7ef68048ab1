"""Issues: the state that the newest snapshot shows."""

from handlers import DeliveryContext, on
from records.models import Issue
from schemas.issues import IssuesEvent


@on(IssuesEvent)
async def record(event: IssuesEvent, delivery: DeliveryContext) -> None:
    """Record the issue, whatever the action; `deleted` and `transferred` leave a tombstone."""
    row, decision = await Issue.objects.record(event, delivery.server)
    delivery.note(f"#{row['number']} {event.action}: {row['state']} ({decision.value})")
