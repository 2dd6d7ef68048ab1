"""Jobs of workflow runs: the most advanced state."""

from handlers import DeliveryContext, on
from records.models import WorkflowJob
from schemas.workflow_job import WorkflowJobEvent


@on(WorkflowJobEvent)
async def record(event: WorkflowJobEvent, delivery: DeliveryContext) -> None:
    """Record the job, whatever the action: the snapshot with the furthest state."""
    row, decision = await WorkflowJob.objects.record(event, delivery.server)
    state = row["conclusion"] or row["status"]
    delivery.note(f"{row['name']} {event.action}: {state} ({decision.value})")
