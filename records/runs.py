"""What machines do about a commit: runs of workflows, and the checks of apps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from records import repositories
from records.merging import Decision, Row, Watermark
from records.snapshots import Snapshots

if TYPE_CHECKING:
    from records.activity import CheckRun, WorkflowRun  # noqa: F401 - in quotes below
    from schemas.check_run import CheckRunEvent
    from schemas.workflow_run import WorkflowRunEvent

ENDED = "completed"
UNDER_WAY = "under way"


def _watermark(row: Row) -> Watermark:
    """Of two snapshots of one second, that of the end is the newer: a short run begins and ends in one.

    The end is not terminal, for an app may take its check up again, and a run may have waited for approval.
    """
    if row["status"] == ENDED:
        return Watermark(row["updated_at"], value=ENDED, replaced=UNDER_WAY)
    return Watermark(row["updated_at"], value=UNDER_WAY)


WORKFLOW_RUNS = Snapshots("WorkflowRun", ("github_id", "run_attempt"), _watermark)
CHECK_RUNS = Snapshots("CheckRun", ("github_id",), _watermark)


class WorkflowRunManager(models.Manager["WorkflowRun"]):
    """Writes `WorkflowRun` rows."""

    async def record(self, event: WorkflowRunEvent) -> tuple[Row, Decision]:
        """Take in the snapshot of one attempt at a run; gives its row, and what became of the snapshot."""
        repository = await repositories.seen(event.repository)
        seen = event.workflow_run
        return await WORKFLOW_RUNS.record(
            (seen.id, seen.run_attempt),
            {
                "repository_id": repository,
                "run_number": seen.run_number,
                "name": seen.name or "",
                "event": seen.event or "",
                "head_branch": seen.head_branch or "",
                "head_sha": seen.head_sha,
                "status": seen.status or "",
                "conclusion": seen.conclusion or "",
                "actor": seen.actor.login if seen.actor else "",
                "started_at": seen.run_started_at,
                "updated_at": seen.updated_at,
            },
        )


class CheckRunManager(models.Manager["CheckRun"]):
    """Writes `CheckRun` rows."""

    async def record(self, event: CheckRunEvent) -> tuple[Row, Decision]:
        """Take in the snapshot of a check run; gives its row, and what became of the snapshot."""
        repository = await repositories.seen(event.repository)
        seen = event.check_run
        times = [time for time in (seen.started_at, seen.completed_at) if time]
        return await CHECK_RUNS.record(
            (seen.id,),
            {
                "repository_id": repository,
                "name": seen.name,
                "head_branch": (seen.check_suite.head_branch if seen.check_suite else None) or "",
                "head_sha": seen.head_sha,
                "app": (seen.app.slug or seen.app.name if seen.app else None) or "",
                "status": seen.status or "",
                "conclusion": seen.conclusion or "",
                "started_at": seen.started_at,
                "completed_at": seen.completed_at,
                "updated_at": max(times, default=None),
            },
        )
