"""Deployments."""

from handlers import DeliveryContext, on
from records.models import Deployment
from schemas.deployment import DeploymentEvent


@on(DeploymentEvent)
async def record(event: DeploymentEvent, delivery: DeliveryContext) -> None:
    """Record the deployment."""
    row, decision = await Deployment.objects.record(event, delivery.server)
    delivery.note(f"{row['ref']} to {row['environment']} ({decision.value})")
