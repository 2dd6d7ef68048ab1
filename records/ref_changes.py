"""Creations and deletions of branches and tags: a row for each."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from django.db import models

from records import repositories
from records.merging import Decision, Row, Watermark
from records.repositories import Repository
from records.rules import by_watermark
from records.snapshots import Snapshots

if TYPE_CHECKING:
    from schemas.create import CreateEvent
    from schemas.delete import DeleteEvent


class RefChangeManager(models.Manager["RefChange"]):
    """Writes `RefChange` rows."""

    async def record(
        self, event: CreateEvent | DeleteEvent, server: str, received_at: datetime
    ) -> tuple[Row, Decision]:
        """Record that a branch or a tag was created or deleted; return its row and the decision.

        The same event under another guid writes the same row if the repository has the time of its last push:
        every creation and deletion is a push.
        """
        repository = await repositories.upsert(event.repository, server)
        change = {"create": "created", "delete": "deleted"}[event.event]
        happened_at = event.repository.last_pushed_at or received_at
        return await SNAPSHOTS.record(
            (repository, happened_at, change, event.ref_type, event.ref),
            {"sender": (event.sender.login if event.sender else None) or ""},
        )


class RefChange(models.Model):
    """A branch or a tag that was created or deleted, from a `create` or `delete` event.

    Neither event has an id, and a ref may be created and deleted many times, so the time is in the key.
    """

    class Change(models.TextChoices):
        """The kind of change."""

        CREATED = "created"
        DELETED = "deleted"

    repository = models.ForeignKey(Repository, models.CASCADE, db_index=False)
    happened_at = models.DateTimeField(
        help_text="`pushed_at` of the repository, else `updated_at`, else of receipt"
    )
    change = models.CharField(max_length=7, choices=Change.choices)
    ref_type = models.TextField(help_text="branch or tag")
    ref = models.TextField(help_text="short, as in main")
    sender = models.TextField(blank=True, help_text="login; empty when the account is gone")

    objects: ClassVar = RefChangeManager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["repository", "happened_at", "change", "ref_type", "ref"], name="ref_change"
            )
        ]

    def __str__(self) -> str:
        return f"{self.ref_type} {self.ref} {self.change}"


# A repeated event may differ in its sender only.
SNAPSHOTS = Snapshots(
    RefChange,
    ("repository_id", "happened_at", "change", "ref_type", "ref"),
    by_watermark(lambda row: Watermark(row["happened_at"])),
)
