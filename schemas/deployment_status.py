"""`deployment_status`: somebody posted a state of a deployment."""

from schemas import Actor, Event, Repository
from schemas._statuses import Post
from schemas.deployment import Deployment


class DeploymentStatus(Post):
    """The state that was posted; its environment may be another than the deployment's."""

    environment: str | None = None
    creator: Actor | None = None


class DeploymentStatusEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#deployment_status."""

    action: str
    deployment_status: DeploymentStatus
    deployment: Deployment
    repository: Repository
