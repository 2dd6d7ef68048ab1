"""Comments on the lines of pull requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models

from records import comments
from records.merging import Decision, Row

if TYPE_CHECKING:
    from schemas.pull_request_review_comment import PullRequestReviewCommentEvent


class ReviewCommentManager(models.Manager["ReviewComment"]):
    """Writes `ReviewComment` rows."""

    async def record(self, event: PullRequestReviewCommentEvent, server: str) -> tuple[Row, Decision]:
        """Merge the snapshot of a comment; return its row and the decision."""
        comment = event.comment
        about = {
            "number": event.pull_request.number,
            "review_id": comment.pull_request_review_id,
            "in_reply_to": comment.in_reply_to_id,
            "commit_sha": comment.commit_id or "",
            "path": comment.path or "",
            "line": comment.line,
        }
        return await comments.record(SNAPSHOTS, event, server, about)


class ReviewComment(comments.Comment):
    """A comment on a line of a pull request."""

    number = models.PositiveBigIntegerField(help_text="of the pull request")
    review_id = models.BigIntegerField(null=True, help_text="`github_id` of the review it belongs to")
    in_reply_to = models.BigIntegerField(
        null=True, help_text="`github_id` of the comment that began the thread"
    )
    commit_sha = models.CharField(max_length=64, blank=True)
    path = models.TextField(blank=True)
    line = models.PositiveBigIntegerField(null=True, help_text="null once a later commit took it away")

    objects: ClassVar = ReviewCommentManager()

    def __str__(self) -> str:
        return f"{self.github_id} on #{self.number}"


SNAPSHOTS = comments.snapshots(ReviewComment)
