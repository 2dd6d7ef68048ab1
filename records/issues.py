"""Issues, from the snapshot that every action carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from records import repositories
from records.merging import Decision, Row
from records.snapshots import Snapshots, listed

if TYPE_CHECKING:
    from records.models import Issue  # noqa: F401 - in quotes below
    from schemas.issues import IssuesEvent

# No snapshot shows whether an issue is pinned: only the two actions tell it.
SNAPSHOTS = Snapshots("Issue", ("repository_id", "number"), aside={"pinned": "pin_told_at"})


class IssueManager(models.Manager["Issue"]):
    """Writes `Issue` rows."""

    async def record(self, event: IssuesEvent) -> tuple[Row, Decision]:
        """Take in the snapshot of an issue; gives its row, and what became of the snapshot.

        `deleted` and `transferred` leave a tombstone: the issue is gone from this repository, and no late
        delivery revives it. The issue that a transfer makes elsewhere is another row, which the other
        repository's own `opened` writes, before or after.
        """
        repository = await repositories.seen(event.repository)
        seen = event.issue
        gone = event.action in {"deleted", "transferred"}
        fields: dict[str, Any] = {
            "title": seen.title,
            "state": seen.state,
            "state_reason": seen.state_reason or "",
            "author": seen.user.login if seen.user else "",
            "locked": seen.locked,
            "labels": listed(seen.labels, "name"),
            "assignees": listed(seen.assignees, "login"),
            "milestone": seen.milestone.title if seen.milestone else "",
            "deleted": gone,
            "transferred_to": _destination(event),
            "updated_at": seen.updated_at,
        }
        if event.action in {"pinned", "unpinned"}:
            fields |= {"pinned": event.action == "pinned", "pin_told_at": seen.updated_at}
        return await SNAPSHOTS.record((repository, seen.number), fields)


def _destination(event: IssuesEvent) -> str:
    """Where a transferred issue went, as `owner/name#number`."""
    changes = event.changes if event.action == "transferred" else None
    if changes is None or changes.new_repository is None or changes.new_issue is None:
        return ""
    return f"{changes.new_repository.full_name}#{changes.new_issue.number}"
