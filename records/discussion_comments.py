"""Comments in discussions."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models

from records import comments
from records.merging import Decision, Row

if TYPE_CHECKING:
    from schemas.discussion_comment import DiscussionCommentEvent


class DiscussionCommentManager(models.Manager["DiscussionComment"]):
    """Writes `DiscussionComment` rows."""

    async def record(self, event: DiscussionCommentEvent, server: str) -> tuple[Row, Decision]:
        """Merge the snapshot of a comment; return its row and the decision."""
        about = {"number": event.discussion.number, "in_reply_to": event.comment.parent_id}
        return await comments.record(SNAPSHOTS, event, server, about)


class DiscussionComment(comments.Comment):
    """A comment in a discussion."""

    number = models.PositiveBigIntegerField(help_text="of the discussion")
    in_reply_to = models.BigIntegerField(null=True, help_text="`github_id` of the comment it replies to")

    objects: ClassVar = DiscussionCommentManager()

    def __str__(self) -> str:
        return f"{self.github_id} in #{self.number}"


SNAPSHOTS = comments.snapshots(DiscussionComment)
