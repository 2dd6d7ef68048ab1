"""`workflow_run`: a run of a GitHub Actions workflow was requested, is in progress or completed."""

from schemas import Actor, BigInt, Event, Repository, Timestamp
from schemas._runs import Run


class WorkflowRun(Run):
    """The snapshot of a run. A rerun keeps the id and increments `run_attempt`, which starts at 1."""

    run_attempt: BigInt = 1
    run_number: BigInt | None = None
    name: str | None = None
    event: str | None = None
    actor: Actor | None = None
    run_started_at: Timestamp | None = None
    updated_at: Timestamp | None = None


class WorkflowRunEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#workflow_run."""

    foreign = frozenset(
        {
            "approver",
            "comment",
            "deployment",
            "deployment_status",
            "environment",
            "reviewers",
            "since",
            "workflow_job_run",
            "workflow_job_runs",
        }
    )

    action: str
    workflow_run: WorkflowRun
    repository: Repository
