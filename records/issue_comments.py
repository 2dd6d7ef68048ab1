"""Comments on issues and in the conversation of pull requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models

from records import repositories
from records.activity import Activity
from records.merging import Decision, Row
from records.snapshots import Snapshots

if TYPE_CHECKING:
    from schemas.issue_comment import IssueCommentEvent


class IssueCommentManager(models.Manager["IssueComment"]):
    """Writes `IssueComment` rows."""

    async def record(self, event: IssueCommentEvent) -> tuple[Row, Decision]:
        """Merge the snapshot of a comment; return its row and the decision.

        `deleted` leaves a tombstone.
        """
        repository = await repositories.seen(event.repository)
        seen = event.comment
        return await SNAPSHOTS.record(
            (seen.id,),
            {
                "repository_id": repository,
                "number": event.issue.number,
                "on_pull_request": event.issue.pull_request is not None,
                "author": seen.user.login if seen.user else "",
                "body": seen.body or "",
                "created_at": seen.created_at,
                "updated_at": seen.updated_at,
                "deleted": event.action == "deleted",
            },
        )


class IssueComment(Activity):
    """A comment on an issue or in the conversation of a pull request; a deleted one stays as a tombstone."""

    github_id = models.BigIntegerField(unique=True)
    number = models.PositiveBigIntegerField(help_text="of the issue or the pull request")
    on_pull_request = models.BooleanField(default=False)
    author = models.TextField(blank=True, help_text="login; empty when the account is gone")
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(null=True)
    deleted = models.BooleanField(default=False)

    objects: ClassVar = IssueCommentManager()

    class Meta(Activity.Meta):
        pass

    def __str__(self) -> str:
        return f"{self.github_id} on #{self.number}"


SNAPSHOTS = Snapshots(IssueComment, ("github_id",))
