"""Milestones of repositories."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models

from records import changes, repositories
from records.activity import Activity
from records.merging import Decision, Row, Watermark
from records.rules import by_watermark
from records.snapshots import Snapshots

if TYPE_CHECKING:
    from schemas.milestone import MilestoneEvent

TEXTS = ("title", "description")


class MilestoneManager(models.Manager["Milestone"]):
    """Writes `Milestone` rows."""

    async def record(self, event: MilestoneEvent, server: str) -> tuple[Row, Decision]:
        """Merge the snapshot of a milestone; return its row and the decision.

        `deleted` leaves a tombstone.
        """
        repository = await repositories.upsert(event.repository, server)
        milestone = event.milestone
        texts = {name: getattr(milestone, name) or "" for name in TEXTS}
        # `opened` of a milestone means `reopened`; the first action is `created`.
        action = "reopened" if event.action == "opened" else event.action
        return await SNAPSHOTS.record(
            (repository, milestone.number),
            {
                **texts,
                "state": changes.state_after(action, milestone.state),
                "creator": milestone.creator.login if milestone.creator else "",
                "due_on": milestone.due_on,
                "created_at": milestone.created_at,
                "closed_at": milestone.closed_at,
                "updated_at": milestone.updated_at,
                "deleted": event.action == "deleted",
            },
            action=action,
            first=event.action == "created",
            **changes.together(changes.edited(event.changes, texts), changes.implied(action)),
        )


class Milestone(Activity):
    """A milestone as the newest snapshot shows it; a deleted one stays as a tombstone."""

    number = models.PositiveBigIntegerField()
    title = models.TextField()
    description = models.TextField(blank=True)
    state = models.TextField(default="open", help_text="open or closed")
    creator = models.TextField(blank=True, help_text="login; empty when the account is gone")
    due_on = models.DateTimeField(null=True)
    created_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    changes = models.JSONField(default=dict, help_text="what actions of the second of `updated_at` changed")
    deleted = models.BooleanField(default=False)

    objects: ClassVar = MilestoneManager()

    class Meta(Activity.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "number"], name="milestone_number")
        ]

    def __str__(self) -> str:
        return self.title


def _watermark(row: Row) -> Watermark:
    return Watermark(row["updated_at"], deleted=row["deleted"], ended=row["state"] == "closed")


SNAPSHOTS = Snapshots(
    Milestone,
    ("repository_id", "number"),
    by_watermark(_watermark, tracked=(*TEXTS, "state"), follows={"closed_at": "state"}),
)
