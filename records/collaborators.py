"""Collaborators of repositories and their permissions."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models

from records import changes, people, repositories, reversals
from records.activity import Activity
from records.merging import Decision, Row, Snapshot
from records.rules import by_watermark
from records.snapshots import Snapshots

if TYPE_CHECKING:
    from schemas.member import MemberEvent


class CollaboratorManager(models.Manager["Collaborator"]):
    """Writes `Collaborator` rows."""

    async def record(self, event: MemberEvent, server: str) -> tuple[Row, Decision]:
        """Merge the permission of an account in a repository; return its row and the decision."""
        repository = await repositories.upsert(event.repository, server)
        removed = event.action == "removed"
        former = changes.replaced("permission", event.former_permission, event.permission or "")
        none = frozenset({reversals.mark("permission", "")})
        return await SNAPSHOTS.record(
            (repository, event.member.id),
            {
                "login": event.member.login,
                "permission": "" if removed else event.permission,
                "removed": removed,
                "updated_at": event.repository.updated_at,
            },
            action=people.BEGINS_AGAIN if event.action == "added" else event.action,
            # Without the chain of edits: a removal ends it with no permission, from which `added` begins.
            lost=none if event.action == "added" else former.get("lost", frozenset()),
            gained=none if removed else frozenset(),
        )


class Collaborator(Activity, people.Association):
    """The permission of an account in a repository. `updated_at` is the repository's."""

    permission = models.TextField(
        blank=True, help_text="role or permission, such as write; empty when unknown"
    )
    changes = models.JSONField(default=dict, help_text="what actions of the time of `updated_at` changed")

    objects: ClassVar = CollaboratorManager()

    class Meta(Activity.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "user_id"], name="collaborator_of_repository")
        ]

    def __str__(self) -> str:
        return f"{self.login} {self.permission}"


_by_time = by_watermark(people.watermark, tracked=("permission",))


def _merge(stored: Row | None, snapshot: Snapshot, blank: Row) -> Row:
    """Merge by the repository's time. Within one, `added` is older than the row of a collaborator."""
    tied = stored is not None and stored["updated_at"] == snapshot.fields["updated_at"]
    if stored and tied and snapshot.action == people.BEGINS_AGAIN and not stored["removed"]:
        return stored
    return _by_time(stored, snapshot, blank)


SNAPSHOTS = Snapshots(Collaborator, ("repository_id", "user_id"), _merge)
