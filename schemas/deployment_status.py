"""`deployment_status`: a status of a deployment was created."""

from schemas import Actor, Event, Repository
from schemas._statuses import Post
from schemas.deployment import Deployment


class DeploymentStatus(Post):
    """The status. Its environment may differ from the deployment's."""

    environment: str | None = None
    creator: Actor | None = None


class DeploymentStatusEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#deployment_status."""

    action: str | None = None
    """GitHub Enterprise Server up to 3.5 sends none."""
    deployment_status: DeploymentStatus
    deployment: Deployment
    repository: Repository
