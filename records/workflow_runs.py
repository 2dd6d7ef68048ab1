"""Workflow runs: a row for each attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from records import repositories, runs
from records.merging import Decision, Row
from records.rules import by_watermark, progress
from records.snapshots import Key, Snapshots

if TYPE_CHECKING:
    from schemas.workflow_run import WorkflowRun as WorkflowRunSnapshot
    from schemas.workflow_run import WorkflowRunEvent


class WorkflowRunManager(models.Manager["WorkflowRun"]):
    """Writes `WorkflowRun` rows."""

    async def record(self, event: WorkflowRunEvent, server: str) -> tuple[Row, Decision]:
        """Merge the snapshot of one attempt of a run; return its row and the decision."""
        repository = await repositories.upsert(event.repository, server)
        workflow_run = event.workflow_run
        return await SNAPSHOTS.record(
            _key(repository, workflow_run),
            _fields(workflow_run, event.action),
            action=event.action,
            # A server without attempts requests a run again, in the same row.
            first=event.action == "requested" and "run_attempt" in workflow_run.model_fields_set,
        )

    async def observe(self, repository: int, workflow_run: WorkflowRunSnapshot) -> tuple[Row, Decision]:
        """Merge an attempt of a run as GitHub's API shows it; `repository` is a primary key."""
        return await SNAPSHOTS.record(_key(repository, workflow_run), _fields(workflow_run))


class WorkflowRun(runs.Run):
    """One attempt of a workflow run as the newest snapshot shows it."""

    run_attempt = models.PositiveBigIntegerField(default=1, help_text="from 1; to run again counts it up")
    run_number = models.PositiveBigIntegerField(null=True, help_text="of the workflow, from 1")
    name = models.TextField(blank=True)
    event = models.TextField(blank=True, help_text="what started it, as in push")
    actor = models.TextField(blank=True, help_text="login; empty when the account is gone")
    started_at = models.DateTimeField(null=True)

    objects: ClassVar = WorkflowRunManager()

    class Meta(runs.Run.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["repository", "github_id", "run_attempt"], name="workflow_run_attempt"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.run_number}.{self.run_attempt}"


def _key(repository: int, workflow_run: WorkflowRunSnapshot) -> Key:
    return (repository, workflow_run.id, workflow_run.run_attempt)


def _fields(workflow_run: WorkflowRunSnapshot, action: str = "") -> dict[str, Any]:
    return {
        **runs.fields(workflow_run, action),
        "run_number": workflow_run.run_number,
        "name": workflow_run.name or "",
        "event": workflow_run.event or "",
        "actor": workflow_run.actor.login if workflow_run.actor else "",
        "started_at": workflow_run.run_started_at,
        "updated_at": workflow_run.updated_at,
    }


SNAPSHOTS = Snapshots(WorkflowRun, ("repository_id", "github_id", "run_attempt"), by_watermark(progress))
