"""The base of statuses of commits and of deployments."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models

from records import repositories
from records.activity import Activity
from records.merging import Decision, Row
from records.snapshots import Snapshots

if TYPE_CHECKING:
    import schemas
    from schemas._statuses import Post


class Status(Activity):
    """One status, which never changes. The newest of a kind has the greatest `github_id`."""

    github_id = models.BigIntegerField()
    state = models.TextField(help_text="success, failure, pending, ...")
    description = models.TextField(blank=True)
    target_url = models.TextField(blank=True)
    creator = models.TextField(blank=True, help_text="login; empty when the account is gone")
    created_at = models.DateTimeField(null=True)

    class Meta(Activity.Meta):
        abstract = True
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "github_id"], name="%(class)s_id")
        ]


def snapshots(model: type[Status]) -> Snapshots:
    """Return the writer of one kind of status."""
    return Snapshots(model, ("repository_id", "github_id"))


async def record(
    kind: Snapshots,
    post: Post,
    creator: schemas.Actor | schemas.Account | None,
    repository: schemas.Repository,
    server: str,
    about: Row,
) -> tuple[Row, Decision]:
    """Write a status; return its row and the decision. `about` holds the fields of this kind."""
    fields = {
        **about,
        "state": post.state,
        "description": post.description or "",
        "target_url": post.target_url or "",
        "creator": (creator.login if creator else None) or "",
        "created_at": post.created_at,
        "updated_at": post.updated_at,
    }
    return await kind.record((await repositories.upsert(repository, server), post.id), fields, first=True)
