"""The base of all kinds of comments, and the merge of their snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models

from records import changes, repositories
from records.activity import Activity
from records.merging import Decision, Row
from records.rules import by_watermark, newest
from records.snapshots import Snapshots

if TYPE_CHECKING:
    from schemas._comments import CommentEvent


class Comment(Activity):
    """A comment as the newest snapshot shows it; a deleted comment stays as a tombstone."""

    github_id = models.BigIntegerField()
    author = models.TextField(blank=True, help_text="login; empty when the account is gone")
    body = models.TextField(blank=True)
    changes = models.JSONField(default=dict, help_text="what actions of the second of `updated_at` changed")
    created_at = models.DateTimeField(null=True)
    deleted = models.BooleanField(default=False)

    class Meta(Activity.Meta):
        abstract = True
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "github_id"], name="%(class)s_id")
        ]


def snapshots(model: type[Comment]) -> Snapshots:
    """Return the writer of one kind of comment."""
    return Snapshots(model, ("repository_id", "github_id"), by_watermark(newest, tracked=("body",)))


async def record(kind: Snapshots, event: CommentEvent, server: str, about: Row) -> tuple[Row, Decision]:
    """Merge the snapshot of a comment; return its row and the decision.

    `about` are the fields that only this kind has. `deleted` leaves a tombstone.
    """
    repository = await repositories.upsert(event.repository, server)
    comment = event.comment
    edits = event.changes.body if event.changes else None
    fields = {
        **about,
        "author": comment.user.login if comment.user else "",
        "body": comment.body or "",
        "created_at": comment.created_at,
        "updated_at": comment.updated_at,
        "deleted": event.action == "deleted",
    }
    return await kind.record(
        (repository, comment.id),
        fields,
        action=event.action,
        first=event.action == "created",
        **changes.replaced("body", edits, comment.body or ""),
    )
