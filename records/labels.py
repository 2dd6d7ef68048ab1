"""Labels of repositories."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models

from records import changes, repositories
from records.activity import Activity
from records.merging import Decision, Row
from records.rules import by_watermark, newest
from records.snapshots import Snapshots

if TYPE_CHECKING:
    from schemas.label import LabelEvent

TEXTS = ("name", "color", "description")


class LabelManager(models.Manager["Label"]):
    """Writes `Label` rows."""

    async def record(self, event: LabelEvent, server: str) -> tuple[Row, Decision]:
        """Merge the snapshot of a label; return its row and the decision.

        `deleted` leaves a tombstone.
        """
        repository = await repositories.upsert(event.repository, server)
        label = event.label
        texts = {name: getattr(label, name) or "" for name in TEXTS}
        return await SNAPSHOTS.record(
            (repository, label.id),
            {
                **texts,
                "default": label.default,
                "deleted": event.action == "deleted",
                "updated_at": event.repository.updated_at,
            },
            action=event.action,
            first=event.action == "created",
            **changes.edited(event.changes, texts),
        )


class Label(Activity):
    """A label as its newest snapshot shows it. `updated_at` is the repository's: labels have no time."""

    github_id = models.BigIntegerField()
    name = models.TextField()
    color = models.TextField(blank=True, help_text="six hexadecimal digits")
    description = models.TextField(blank=True)
    default = models.BooleanField(default=False, help_text="every repository begins with it")
    changes = models.JSONField(default=dict, help_text="what actions of the time of `updated_at` changed")
    deleted = models.BooleanField(default=False)

    objects: ClassVar = LabelManager()

    class Meta(Activity.Meta):
        constraints: ClassVar = [models.UniqueConstraint(fields=["repository", "github_id"], name="label_id")]

    def __str__(self) -> str:
        return self.name


SNAPSHOTS = Snapshots(Label, ("repository_id", "github_id"), by_watermark(newest, tracked=TEXTS))
