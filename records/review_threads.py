"""Threads of comments on the lines of pull requests: resolved or open."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models

from records import repositories
from records.activity import Activity
from records.merging import Decision, Row
from records.snapshots import Snapshots

if TYPE_CHECKING:
    from schemas.pull_request_review_thread import PullRequestReviewThreadEvent, ThreadComment


class ReviewThreadManager(models.Manager["ReviewThread"]):
    """Writes `ReviewThread` rows."""

    async def record(
        self, event: PullRequestReviewThreadEvent, comment: ThreadComment, server: str
    ) -> tuple[Row, Decision]:
        """Merge the snapshot of a thread, found by any of its comments; return its row and decision."""
        repository = await repositories.upsert(event.repository, server)
        return await SNAPSHOTS.record(
            (repository, comment.in_reply_to_id or comment.id),
            {
                "number": event.pull_request.number,
                "path": comment.path or "",
                "line": comment.line,
                "resolved": event.action == "resolved",
                "updated_at": event.updated_at or event.pull_request.updated_at,
            },
        )


class ReviewThread(Activity):
    """A thread on a line of a pull request, identified by its first comment: its own id is not numeric."""

    github_id = models.BigIntegerField(help_text="of the comment that began it")
    number = models.PositiveBigIntegerField(help_text="of the pull request")
    path = models.TextField(blank=True)
    line = models.PositiveBigIntegerField(null=True)
    resolved = models.BooleanField(default=False)

    objects: ClassVar = ReviewThreadManager()

    class Meta(Activity.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "github_id"], name="review_thread_id")
        ]

    def __str__(self) -> str:
        return f"{self.github_id} on #{self.number}"


SNAPSHOTS = Snapshots(ReviewThread, ("repository_id", "github_id"))
