"""Copies that others made of a repository."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models

from records import repositories
from records.activity import Activity
from records.merging import Decision, Row
from records.snapshots import Snapshots

if TYPE_CHECKING:
    from schemas.fork import ForkEvent


class ForkManager(models.Manager["Fork"]):
    """Writes `Fork` rows."""

    async def record(self, event: ForkEvent, server: str) -> tuple[Row, Decision]:
        """Write a copy; return its row and the decision."""
        repository = await repositories.seen(event.repository, server)
        seen = event.forkee
        return await SNAPSHOTS.record(
            (repository, seen.id),
            {
                "full_name": seen.full_name,
                "private": seen.private,
                "updated_at": seen.created_at,
            },
            first=True,
        )


class Fork(Activity):
    """A copy as it was when it was made, which is `updated_at`: no later delivery tells of it."""

    github_id = models.BigIntegerField(help_text="of the copy, which is a repository")
    full_name = models.TextField()
    private = models.BooleanField(default=False)

    objects: ClassVar = ForkManager()

    class Meta(Activity.Meta):
        constraints: ClassVar = [models.UniqueConstraint(fields=["repository", "github_id"], name="fork_id")]

    def __str__(self) -> str:
        return self.full_name


SNAPSHOTS = Snapshots(Fork, ("repository_id", "github_id"))
