"""Jobs of workflow runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models

from records import repositories, runs
from records.merging import Decision, Row, Snapshot
from records.rules import ENDED
from records.snapshots import Snapshots

if TYPE_CHECKING:
    from schemas.workflow_job import WorkflowJobEvent

# A job has no time of its last change, and its status never goes back: a rerun is another job.
PLACES = {"requested": 0, "waiting": 0, "pending": 0, "queued": 1, "in_progress": 2, ENDED: 3}
UNKNOWN = 1


class WorkflowJobManager(models.Manager["WorkflowJob"]):
    """Writes `WorkflowJob` rows."""

    async def record(self, event: WorkflowJobEvent, server: str) -> tuple[Row, Decision]:
        """Merge the snapshot of a job; return its row and the decision."""
        repository = await repositories.upsert(event.repository, server)
        job = event.workflow_job
        deployed_at = event.deployment.updated_at if event.deployment and not job.completed_at else None
        times = [job.created_at, job.started_at, job.completed_at, deployed_at]
        return await SNAPSHOTS.record(
            (repository, job.id),
            {
                **runs.fields(job, event.action),
                "run_id": job.run_id,
                "run_attempt": job.run_attempt,
                "name": job.name,
                "workflow": job.workflow_name,
                # The end of a job need not show the runner that had it.
                "runner": job.runner_name or None,
                "labels": None if job.labels is None else [label for label in job.labels if label],
                "started_at": job.started_at,
                "completed_at": job.completed_at,
                "updated_at": max((time for time in times if time), default=None),
            },
        )


class WorkflowJob(runs.Run):
    """A job of one attempt of a workflow run; `updated_at` is of its end, start, deployment or creation."""

    run_id = models.BigIntegerField(null=True, help_text="`github_id` of the workflow run")
    run_attempt = models.PositiveBigIntegerField(default=1)
    name = models.TextField()
    workflow = models.TextField(blank=True, help_text="name")
    runner = models.TextField(blank=True, help_text="name; empty while none has the job")
    labels = models.JSONField(default=list, help_text="what a runner must have")
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)

    objects: ClassVar = WorkflowJobManager()

    class Meta(runs.Run.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "github_id"], name="workflow_job_id")
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.status}"


def _place(row: Row) -> int:
    return PLACES.get(row.get("status", ""), UNKNOWN)


def _is_older(fields: Row, stored: Row) -> bool:
    """Return whether the row is newer, by its place, or before the start by the time of the deployment.

    A job that waits for an approval is queued before and after:
    https://github.com/runs-on/runs-on/issues/539.
    """
    place, before = _place(fields), _place(stored)
    at, known = fields["updated_at"], stored["updated_at"]
    if max(place, before) < PLACES["in_progress"] and None not in (at, known) and at != known:
        return bool(at < known)
    return place < before


def _merge(stored: Row | None, snapshot: Snapshot, blank: Row) -> Row:
    """Merge by the progress of the job. An earlier snapshot adds a runner that the end does not show."""
    if stored is not None and _is_older(snapshot.fields, stored):
        runner = stored["runner"] or snapshot.fields.get("runner")
        return {**stored, "runner": runner} if runner else stored
    return {**(blank if stored is None else stored), **snapshot.fields}


SNAPSHOTS = Snapshots(WorkflowJob, ("repository_id", "github_id"), _merge)
