"""Statuses of deployments."""

from handlers import DeliveryContext, on
from records.models import Deployment, DeploymentStatus
from schemas.deployment_status import DeploymentStatusEvent


@on(DeploymentStatusEvent)
async def record(event: DeploymentStatusEvent, delivery: DeliveryContext) -> None:
    """Record the status as posted, and the state of its deployment, from the newest status."""
    await Deployment.objects.record(event, delivery.server)
    row, decision = await DeploymentStatus.objects.record(event, delivery.server)
    delivery.note(f"{row['environment']}: {row['state']} ({decision.value})")
