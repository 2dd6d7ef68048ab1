"""Statuses of commits."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models

from records import statuses
from records.merging import Decision, Row

if TYPE_CHECKING:
    from schemas.status import StatusEvent


class CommitStatusManager(models.Manager["CommitStatus"]):
    """Writes `CommitStatus` rows."""

    async def record(self, event: StatusEvent, server: str) -> tuple[Row, Decision]:
        """Write a status; return its row and the decision."""
        about = {"sha": event.sha, "context": event.context}
        return await statuses.record(SNAPSHOTS, event, event.sender, event.repository, server, about)


class CommitStatus(statuses.Status):
    """A status of a commit in one context. That with the greatest `github_id` is the current one."""

    sha = models.CharField(max_length=64)
    context = models.TextField(help_text="what was looked at, such as ci/build")

    objects: ClassVar = CommitStatusManager()

    def __str__(self) -> str:
        return f"{self.context} {self.state}"


SNAPSHOTS = statuses.snapshots(CommitStatus)
