"""Forks of repositories."""

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
        """Write a fork; return its row and the decision."""
        repository = await repositories.upsert(event.repository, server)
        forkee = event.forkee
        return await SNAPSHOTS.record(
            (repository, forkee.id),
            {
                "full_name": forkee.full_name,
                "private": forkee.private,
                "updated_at": forkee.created_at,
            },
            first=True,
        )


class Fork(Activity):
    """A fork at its creation, whose time is `updated_at`. No later delivery updates it."""

    github_id = models.BigIntegerField(help_text="of the copy, which is a repository")
    full_name = models.TextField()
    private = models.BooleanField(default=False)

    objects: ClassVar = ForkManager()

    class Meta(Activity.Meta):
        constraints: ClassVar = [models.UniqueConstraint(fields=["repository", "github_id"], name="fork_id")]

    def __str__(self) -> str:
        return self.full_name


SNAPSHOTS = Snapshots(Fork, ("repository_id", "github_id"))
