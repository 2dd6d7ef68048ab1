"""Repositories, keyed on GitHub's numeric id: all other records hang on these rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from records.merging import Decision, Row, Watermark
from records.snapshots import Snapshots

if TYPE_CHECKING:
    import schemas
    from records.models import Repository  # noqa: F401 - in quotes below


def _watermark(row: Row) -> Watermark:
    return Watermark(
        row["updated_at"],
        deleted=row["deleted"],
        value=row["full_name"],
        replaced=row["previous_full_name"],
    )


SNAPSHOTS = Snapshots("Repository", ("github_id",), _watermark)


class RepositoryManager(models.Manager["Repository"]):
    """Writes `Repository` rows."""

    async def record(
        self, snapshot: schemas.Repository, *, deleted: bool = False, previous_full_name: str = ""
    ) -> tuple[Row, Decision]:
        """Take in a repository as a payload shows it; gives its row, and what became of the snapshot.

        What the payload leaves out stays as it is. A known repository that shows nothing new takes no lock.
        `previous_full_name` is for a payload that tells of a rename: a late one of the same second that
        still has that name does not rename it back.
        """
        told: dict[str, Any] = {
            "full_name": snapshot.full_name,
            "updated_at": snapshot.updated_at,
            "deleted": deleted,
        }
        for name in ("private", "archived", "default_branch"):
            value = getattr(snapshot, name)
            if value is not None:
                told[name] = value
        if previous_full_name:
            told["previous_full_name"] = previous_full_name
        return await SNAPSHOTS.record((snapshot.id,), told)


async def seen(snapshot: schemas.Repository) -> int:
    """The primary key of the repository that a payload belongs to, which is brought up to that payload."""
    from records.models import Repository  # noqa: PLC0415 - the models import their managers

    row, _ = await Repository.objects.record(snapshot)
    return int(row["id"])
