"""Runs of GitHub Actions workflows: the state that the newest snapshot shows."""

from handlers import DeliveryContext, on
from records.models import WorkflowRun
from schemas.workflow_run import WorkflowRunEvent


@on(WorkflowRunEvent)
async def record(event: WorkflowRunEvent, delivery: DeliveryContext) -> None:
    """Record the attempt of the run, whatever the action."""
    row, decision = await WorkflowRun.objects.record(event, delivery.server)
    state = row["conclusion"] or row["status"]
    delivery.note(f"{row['name']} {event.action}: {state} ({decision.value})")
