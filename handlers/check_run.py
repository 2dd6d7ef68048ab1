"""Checks of commits by apps: the state that the newest snapshot shows."""

from handlers import DeliveryContext, on
from records.models import CheckRun
from schemas.check_run import CheckRunEvent


@on(CheckRunEvent)
async def record(event: CheckRunEvent, delivery: DeliveryContext) -> None:
    """Record the check run, whatever the action: each carries its state."""
    row, decision = await CheckRun.objects.record(event, delivery.server)
    state = row["conclusion"] or row["status"]
    delivery.note(f"{row['name']} {event.action}: {state} ({decision.value})")
