"""Suites of checks: all checks of one app of one commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models

from records import repositories, runs
from records.merging import Decision, Row
from records.rules import by_watermark, progress
from records.snapshots import Snapshots

if TYPE_CHECKING:
    from schemas.check_suite import CheckSuiteEvent


class CheckSuiteManager(models.Manager["CheckSuite"]):
    """Writes `CheckSuite` rows."""

    async def record(self, event: CheckSuiteEvent, server: str) -> tuple[Row, Decision]:
        """Merge the snapshot of a suite; return its row and the decision."""
        repository = await repositories.upsert(event.repository, server)
        check_suite = event.check_suite
        return await SNAPSHOTS.record(
            (repository, check_suite.id),
            {
                **runs.fields(check_suite, event.action),
                "app": (check_suite.app.slug or check_suite.app.name if check_suite.app else None) or "",
                "created_at": check_suite.created_at,
                "updated_at": check_suite.updated_at,
            },
            # A rerequest begins the next attempt.
            action="reopened" if event.action == "rerequested" else event.action,
            first=event.action == "requested",
        )


class CheckSuite(runs.Run):
    """The checks of a commit by one app."""

    app = models.TextField(blank=True, help_text="slug, else name, of the app that checks")
    created_at = models.DateTimeField(null=True)

    objects: ClassVar = CheckSuiteManager()

    class Meta(runs.Run.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "github_id"], name="check_suite_id")
        ]

    def __str__(self) -> str:
        return f"{self.app} {self.status}"


SNAPSHOTS = Snapshots(CheckSuite, ("repository_id", "github_id"), by_watermark(progress))
