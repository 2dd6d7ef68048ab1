"""Releases, from the snapshot that every action carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models

from records import repositories
from records.activity import Activity
from records.merging import Decision, Row
from records.snapshots import Snapshots

if TYPE_CHECKING:
    from schemas.release import ReleaseEvent


class ReleaseManager(models.Manager["Release"]):
    """Writes `Release` rows."""

    async def record(self, event: ReleaseEvent) -> tuple[Row, Decision]:
        """Merge the snapshot of a release; return its row and the decision.

        `deleted` leaves a tombstone. Where a release does not tell when it was updated, the time of its
        publication orders the snapshots, so that a late draft does not withdraw what was published.
        """
        repository = await repositories.seen(event.repository)
        seen = event.release
        return await SNAPSHOTS.record(
            (seen.id,),
            {
                "repository_id": repository,
                "tag_name": seen.tag_name,
                "target": seen.target_commitish or "",
                "name": seen.name or "",
                "body": seen.body or "",
                "author": seen.author.login if seen.author else "",
                "draft": seen.draft,
                "prerelease": seen.prerelease,
                "created_at": seen.created_at,
                "published_at": seen.published_at,
                "updated_at": seen.updated_at or seen.published_at or seen.created_at,
                "deleted": event.action == "deleted",
            },
        )


class Release(Activity):
    """A release as the newest snapshot shows it; a deleted one stays as a tombstone."""

    github_id = models.BigIntegerField(unique=True)
    tag_name = models.TextField()
    target = models.TextField(blank=True, help_text="branch or commit that the tag is made from")
    name = models.TextField(blank=True)
    body = models.TextField(blank=True)
    author = models.TextField(blank=True, help_text="login; empty when the account is gone")
    draft = models.BooleanField(default=False)
    prerelease = models.BooleanField(default=False)
    created_at = models.DateTimeField(null=True)
    published_at = models.DateTimeField(null=True)
    deleted = models.BooleanField(default=False)

    objects: ClassVar = ReleaseManager()

    class Meta(Activity.Meta):
        pass

    def __str__(self) -> str:
        return self.tag_name


SNAPSHOTS = Snapshots(Release, ("github_id",))
