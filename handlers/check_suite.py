"""Suites of checks: the state that the newest snapshot shows."""

from handlers import DeliveryContext, on
from records.models import CheckSuite
from schemas.check_suite import CheckSuiteEvent


@on(CheckSuiteEvent)
async def record(event: CheckSuiteEvent, delivery: DeliveryContext) -> None:
    """Record the suite, whatever the action."""
    row, decision = await CheckSuite.objects.record(event, delivery.server)
    state = row["conclusion"] or row["status"]
    delivery.note(f"{row['app']} {event.action}: {state} ({decision.value})")
