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
        replaced=row["previous_full_name"] if row["renamed_at"] == row["updated_at"] else "",
    )


SNAPSHOTS = Snapshots("Repository", ("github_id",), _watermark, {"previous_full_name": "renamed_at"})


class RepositoryManager(models.Manager["Repository"]):
    """Writes `Repository` rows."""

    async def record(
        self, snapshot: schemas.Repository, *, deleted: bool = False, previous_full_name: str | None = None
    ) -> tuple[Row, Decision]:
        """Take in a repository as a payload shows it; gives its row, and what became of the snapshot.

        `previous_full_name` is for a payload that tells of a rename or transfer: a late one of the same
        second that still has that name does not rename the repository back.
        """
        return await _record(snapshot, deleted, previous_full_name)


async def seen(snapshot: schemas.Repository) -> int:
    """The primary key of the repository that a payload belongs to, which is brought up to that payload.

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
