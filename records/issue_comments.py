"""Comments on issues and in the conversation of pull requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models

from records import comments
from records.merging import Decision, Row

if TYPE_CHECKING:
    from schemas.issue_comment import IssueCommentEvent


class IssueCommentManager(models.Manager["IssueComment"]):
    """Writes `IssueComment` rows."""

    async def record(self, event: IssueCommentEvent, server: str) -> tuple[Row, Decision]:
        """Merge the snapshot of a comment; return its row and the decision."""
        about = {
            "number": event.issue.number,
            "on_pull_request": event.issue.pull_request is not None,
        }
        return await comments.record(SNAPSHOTS, event, server, about)


class IssueComment(comments.Comment):
    """A comment on an issue or in the conversation of a pull request."""

    number = models.PositiveBigIntegerField(help_text="of the issue or the pull request")
    on_pull_request = models.BooleanField(default=False)

    objects: ClassVar = IssueCommentManager()

    class Meta(comments.Comment.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "github_id"], name="issue_comment_id")
        ]

    def __str__(self) -> str:
        return f"{self.github_id} on #{self.number}"


SNAPSHOTS = comments.snapshots(IssueComment)
