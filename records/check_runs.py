"""Checks of commits, by apps."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models

from records import repositories
from records.activity import Activity
from records.merging import Decision, Row, progress
from records.snapshots import Snapshots

if TYPE_CHECKING:
    from schemas.check_run import CheckRunEvent


class CheckRunManager(models.Manager["CheckRun"]):
    """Writes `CheckRun` rows."""

    async def record(self, event: CheckRunEvent) -> tuple[Row, Decision]:
        """Merge the snapshot of a check run; return its row and the decision."""
        repository = await repositories.seen(event.repository)
        seen = event.check_run
        times = [time for time in (seen.started_at, seen.completed_at) if time]
        return await SNAPSHOTS.record(
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


class CheckRun(Activity):
    """A check of a commit as the newest snapshot shows it; `updated_at` is that of its end or its start."""

    github_id = models.BigIntegerField(unique=True)
    name = models.TextField()
    head_branch = models.TextField(blank=True)
    head_sha = models.CharField(max_length=64)
    app = models.TextField(blank=True, help_text="slug, else name, of the app that checks")
    status = models.TextField(blank=True, help_text="queued, in_progress, completed, ...")
    conclusion = models.TextField(blank=True, help_text="success, failure, ...; empty before the end")
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)

    objects: ClassVar = CheckRunManager()

    class Meta(Activity.Meta):
        pass

    def __str__(self) -> str:
        return f"{self.name} {self.status}"


SNAPSHOTS = Snapshots(CheckRun, ("github_id",), progress)
