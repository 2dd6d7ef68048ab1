"""Groups of pull requests in a merge queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models

from records import repositories
from records.activity import Activity
from records.merging import Decision, Row, Watermark
from records.rules import by_watermark
from records.snapshots import Snapshots

if TYPE_CHECKING:
    from schemas.merge_group import MergeGroupEvent


class MergeGroupManager(models.Manager["MergeGroup"]):
    """Writes `MergeGroup` rows."""

    async def record(self, event: MergeGroupEvent, server: str) -> tuple[Row, Decision]:
        """Merge the snapshot of a group; return its row and the decision."""
        repository = await repositories.upsert(event.repository, server)
        merge_group = event.merge_group
        return await SNAPSHOTS.record(
            (repository, merge_group.head_sha),
            {
                "head_ref": merge_group.head_ref,
                "base_ref": merge_group.base_ref,
                "base_sha": merge_group.base_sha or "",
                "destroyed": event.action == "destroyed",
                "reason": event.reason or "",
                "updated_at": event.repository.updated_at,
            },
            first=event.action == "checks_requested",
        )


class MergeGroup(Activity):
    """A commit that a merge queue created to be checked; `updated_at` is the repository's."""

    head_sha = models.CharField(max_length=64)
    head_ref = models.TextField(help_text="in full, as in refs/heads/gh-readonly-queue/...")
    base_ref = models.TextField(help_text="in full; what it is to be merged into")
    base_sha = models.CharField(max_length=64, blank=True)
    destroyed = models.BooleanField(default=False, help_text="the queue is done with it")
    reason = models.TextField(blank=True, help_text="why: merged, invalidated or dequeued")

    objects: ClassVar = MergeGroupManager()

    class Meta(Activity.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "head_sha"], name="merge_group_head")
        ]

    def __str__(self) -> str:
        return self.head_ref


def _watermark(row: Row) -> Watermark:
    return Watermark(row["updated_at"], terminal=row["destroyed"])


SNAPSHOTS = Snapshots(MergeGroup, ("repository_id", "head_sha"), by_watermark(_watermark))
