"""Stars of repositories."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from django.db import models

from records import people, repositories
from records.activity import Activity
from records.merging import Decision, Row
from records.rules import by_watermark
from records.snapshots import Snapshots

if TYPE_CHECKING:
    from schemas._people import Person
    from schemas.star import StarEvent


class StarManager(models.Manager["Star"]):
    """Writes `Star` rows."""

    async def record(
        self, event: StarEvent, sender: Person, server: str, received_at: datetime
    ) -> tuple[Row, Decision]:
        """Merge a star of the sender, or its end; return its row and the decision.

        `received_at` orders the end of a star whose payload has no time.
        """
        repository = await repositories.upsert(event.repository, server)
        removed = event.action == "deleted"
        return await SNAPSHOTS.record(
            (repository, sender.id),
            {
                "login": sender.login,
                "starred_at": None if removed else event.starred_at,
                "removed": removed,
                # A star updates the repository's `updated_at`.
                "updated_at": event.repository.updated_at or event.starred_at or received_at,
            },
        )


class Star(Activity, people.Association):
    """Whether an account stars a repository; `updated_at` is the repository's."""

    starred_at = models.DateTimeField(null=True)

    objects: ClassVar = StarManager()

    class Meta(Activity.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "user_id"], name="star_of_user")
        ]

    def __str__(self) -> str:
        return self.login


SNAPSHOTS = Snapshots(Star, ("repository_id", "user_id"), by_watermark(people.watermark))
