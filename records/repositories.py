"""Repositories, keyed on GitHub's numeric id: all other records hang on these rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from records.merging import Decision, Row, Watermark
from records.snapshots import Snapshots

if TYPE_CHECKING:
    import schemas


class RepositoryManager(models.Manager["Repository"]):
    """Writes `Repository` rows."""

    async def record(
        self, snapshot: schemas.Repository, *, deleted: bool = False, previous_full_name: str | None = None
    ) -> tuple[Row, Decision]:
        """Merge a repository as a payload shows it; return its row and the decision.

        `previous_full_name` is for a payload that tells of a rename or transfer: a late payload of the same
        second that still has that name does not rename the repository back.
        """
        return await _record(snapshot, deleted, previous_full_name)


class Repository(models.Model):
    """A repository, keyed on GitHub's numeric id: names change with rename and transfer."""

    github_id = models.BigIntegerField(unique=True)
    full_name = models.TextField()
    previous_full_name = models.TextField(
        blank=True, help_text="before the last rename or transfer that was told"
    )
    renamed_at = models.DateTimeField(null=True, help_text="GitHub's, of the snapshot that told that")
    private = models.BooleanField(default=False)
    archived = models.BooleanField(default=False)
    deleted = models.BooleanField(default=False)
    default_branch = models.TextField(blank=True)
    updated_at = models.DateTimeField(null=True, help_text="GitHub's, of the snapshot that is stored")

    objects: ClassVar = RepositoryManager()

    class Meta:
        verbose_name_plural = "repositories"

    def __str__(self) -> str:
        return self.full_name


def _watermark(row: Row) -> Watermark:
    return Watermark(
        row["updated_at"],
        deleted=row["deleted"],
        value=row["full_name"],
        replaced=row["previous_full_name"] if row["renamed_at"] == row["updated_at"] else "",
    )


SNAPSHOTS = Snapshots(Repository, ("github_id",), _watermark, {"previous_full_name": "renamed_at"})


async def seen(snapshot: schemas.Repository) -> int:
    """Bring the repository of a payload up to date and return its primary key.

    A known repository that shows nothing new takes no lock.
    """
    row, _ = await _record(snapshot, deleted=False, previous_full_name=None)
    return int(row["id"])


async def _record(
    snapshot: schemas.Repository, deleted: bool, previous_full_name: str | None
) -> tuple[Row, Decision]:
    fields: dict[str, Any] = {
        "full_name": snapshot.full_name,
        "private": snapshot.private,
        "archived": snapshot.archived,
        "default_branch": snapshot.default_branch,
        "deleted": deleted,
        "updated_at": snapshot.updated_at,
    }
    if previous_full_name:
        fields |= {"previous_full_name": previous_full_name, "renamed_at": snapshot.updated_at}
    return await SNAPSHOTS.record((snapshot.id,), fields)
