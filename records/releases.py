"""Releases, and the branches and tags that come and go."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models

from records import repositories
from records.merging import Decision, Row, Watermark
from records.snapshots import Snapshots

if TYPE_CHECKING:
    from records.activity import RefChange, Release  # noqa: F401 - in quotes below
    from schemas.create import CreateEvent
    from schemas.delete import DeleteEvent
    from schemas.release import ReleaseEvent

RELEASES = Snapshots("Release", ("github_id",))
# One that was told before is the same in all but its sender.
REF_CHANGES = Snapshots(
    "RefChange",
    ("repository_id", "happened_at", "change", "ref_type", "ref"),
    lambda row: Watermark(row["happened_at"]),
)


class ReleaseManager(models.Manager["Release"]):
    """Writes `Release` rows."""

    async def record(self, event: ReleaseEvent) -> tuple[Row, Decision]:
        """Take in the snapshot of a release; gives its row, and what became of the snapshot.

        `deleted` leaves a tombstone. Where a release does not tell when it was updated, the time of its
        publication orders the snapshots, so that a late draft does not withdraw what was published.
        """
        repository = await repositories.seen(event.repository)
        seen = event.release
        return await RELEASES.record(
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


class RefChangeManager(models.Manager["RefChange"]):
    """Writes `RefChange` rows."""

    async def record(self, event: CreateEvent | DeleteEvent, received_at: datetime) -> tuple[Row, Decision]:
        """Write down that a branch or a tag was created or deleted; gives its row.

        The same event under another guid leaves the same row, as long as the repository tells the time of
        its last push, which every creation and deletion is.
        """
        repository = await repositories.seen(event.repository)
        change = {"create": "created", "delete": "deleted"}[event.event]
        happened_at = event.repository.pushed_at or received_at
        return await REF_CHANGES.record(
            (repository, happened_at, change, event.ref_type, event.ref),
            {"sender": event.sender.login if event.sender else ""},
        )
