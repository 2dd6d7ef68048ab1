"""Comments on commits."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models

from records import comments
from records.merging import Decision, Row

if TYPE_CHECKING:
    from schemas.commit_comment import CommitCommentEvent


class CommitCommentManager(models.Manager["CommitComment"]):
    """Writes `CommitComment` rows."""

    async def record(self, event: CommitCommentEvent, server: str) -> tuple[Row, Decision]:
        """Merge the snapshot of a comment; return its row and the decision."""
        comment = event.comment
        about = {"commit_sha": comment.commit_id, "path": comment.path or "", "line": comment.line}
        return await comments.record(SNAPSHOTS, event, server, about)


class CommitComment(comments.Comment):
    """A comment on a commit, or on a line of it."""

    commit_sha = models.CharField(max_length=64)
    path = models.TextField(blank=True, help_text="empty for one about the whole commit")
    line = models.PositiveBigIntegerField(null=True)

    objects: ClassVar = CommitCommentManager()

    def __str__(self) -> str:
        return f"{self.github_id} on {self.commit_sha}"


SNAPSHOTS = comments.snapshots(CommitComment)
