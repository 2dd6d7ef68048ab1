"""`deployment`: a deployment was created."""

from schemas import Actor, BigInt, Event, Repository, Sha, Snapshot, Timestamp


class Deployment(Snapshot):
    """The snapshot of a deployment. Each of its statuses updates it."""

    id: BigInt
    sha: Sha | None = None
    ref: str | None = None
    task: str | None = None
    environment: str | None = None
    description: str | None = None
    creator: Actor | None = None
    production_environment: bool | None = None
    transient_environment: bool | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None


class DeploymentEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#deployment."""

    foreign = frozenset(
        {"deployment_callback_url", "deployment_status", "environment", "reviewers", "workflow_job"}
    )

    action: str | None = None
    """GitHub Enterprise Server up to 3.5 sends none."""
    deployment: Deployment
    repository: Repository
