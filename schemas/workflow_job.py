"""`workflow_job`: a job of a workflow run is waiting, queued, in progress or completed."""

from schemas import BigInt, Event, Items, Repository, Snapshot, Timestamp
from schemas._runs import Run


class WorkflowJob(Run):
    """The snapshot of a job. It has no runner while it waits. A rerun is a job with another id."""

    run_id: BigInt | None = None
    run_attempt: BigInt | None = None
    name: str | None = None
    workflow_name: str | None = None
    runner_name: str | None = None
    labels: Items[str | None] | None = None
    created_at: Timestamp | None = None
    started_at: Timestamp | None = None
    completed_at: Timestamp | None = None


class Deployment(Snapshot):
    """The deployment of a job. Each of its statuses, such as `waiting` for an approval, updates it."""

    updated_at: Timestamp | None = None


class WorkflowJobEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#workflow_job."""

    action: str
    workflow_job: WorkflowJob
    deployment: Deployment | None = None
    repository: Repository
