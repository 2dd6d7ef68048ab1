"""Comments on issues and in the conversation of pull requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models

from records import changes, repositories
from records.activity import Activity
from records.merging import Decision, Row
from records.rules import by_watermark, newest
from records.snapshots import Snapshots

if TYPE_CHECKING:
    from schemas.issue_comment import IssueCommentEvent


class IssueCommentManager(models.Manager["IssueComment"]):
    """Writes `IssueComment` rows."""

    async def record(self, event: IssueCommentEvent, server: str) -> tuple[Row, Decision]:
        """Merge the snapshot of a comment; return its row and the decision.

        `deleted` leaves a tombstone.
        """
        repository = await repositories.seen(event.repository, server)
        seen = event.comment
        edits = event.changes.body if event.changes else None
        return await SNAPSHOTS.record(
            (repository, seen.id),
            {
                "number": event.issue.number,
                "on_pull_request": event.issue.pull_request is not None,
                "author": seen.user.login if seen.user else "",
                "body": seen.body or "",
                "created_at": seen.created_at,
                "updated_at": seen.updated_at,
                "deleted": event.action == "deleted",
            },
            action=event.action,
            first=event.action == "created",
            **changes.replaced("body", edits, seen.body or ""),
        )


class IssueComment(Activity):
    """A comment on an issue or in the conversation of a pull request; a deleted one stays as a tombstone."""

    github_id = models.BigIntegerField()
    number = models.PositiveBigIntegerField(help_text="of the issue or the pull request")
    on_pull_request = models.BooleanField(default=False)
    author = models.TextField(blank=True, help_text="login; empty when the account is gone")
    body = models.TextField(blank=True)
    changes = models.JSONField(default=dict, help_text="what actions of the second of `updated_at` changed")
    created_at = models.DateTimeField(null=True)
    deleted = models.BooleanField(default=False)

    objects: ClassVar = IssueCommentManager()

    class Meta(Activity.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "github_id"], name="issue_comment_id")
        ]

    def __str__(self) -> str:
        return f"{self.github_id} on #{self.number}"


SNAPSHOTS = Snapshots(IssueComment, ("repository_id", "github_id"), by_watermark(newest, tracked=("body",)))
