"""Discussions, from the snapshot that every action carries."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from records import changes, repositories, reversals
from records.activity import Activity
from records.merging import Decision, Row, Watermark
from records.rules import by_watermark
from records.snapshots import Snapshots, listed

if TYPE_CHECKING:
    from schemas.discussion import DiscussionEvent


class DiscussionManager(models.Manager["Discussion"]):
    """Writes `Discussion` rows."""

    async def record(self, event: DiscussionEvent, server: str) -> tuple[Row, Decision]:
        """Merge the snapshot of a discussion; return its row and the decision.

        `deleted` and `transferred` leave a tombstone, as those of issues do.
        """
        repository = await repositories.upsert(event.repository, server)
        discussion = event.discussion
        fields: dict[str, Any] = {
            "title": discussion.title,
            "state": changes.state_after(event.action, discussion.state),
            "state_reason": discussion.state_reason or "",
            "category": discussion.category.name if discussion.category else None,
            "author": discussion.user.login if discussion.user else "",
            "locked": discussion.locked,
            "labels": listed(discussion.labels, "name"),
            "answered_at": discussion.answer_chosen_at,
            "answer_chosen_by": discussion.answer_chosen_by.login if discussion.answer_chosen_by else "",
            "created_at": discussion.created_at,
            "updated_at": discussion.updated_at,
            "deleted": event.action in {"deleted", "transferred"},
            "transferred_to": _destination(event),
        }
        if event.action in {"pinned", "unpinned"}:
            fields |= {"pinned": event.action == "pinned", "pin_told_at": discussion.updated_at}
        edits = event.changes.title if event.changes else None
        return await SNAPSHOTS.record(
            (repository, discussion.number),
            changes.decided(event.action, fields),
            action="reopened" if event.action in REOPENS else event.action,
            first=event.action == "created",
            **changes.together(
                changes.added(event.action, "labeled", "labels", event.label, "name"),
                changes.replaced("title", edits, discussion.title or ""),
                changes.replaced("category", event.former_category, fields["category"] or ""),
                changes.implied(event.action),
                _implied(event.action),
            ),
        )


class Discussion(Activity):
    """A discussion as the newest snapshot shows it; one that is gone stays as a tombstone."""

    number = models.PositiveBigIntegerField()
    title = models.TextField()
    state = models.TextField(default="open", help_text="open, closed, locked, converting, ...")
    state_reason = models.TextField(blank=True)
    category = models.TextField(blank=True, help_text="name")
    author = models.TextField(blank=True, help_text="login; empty when the account is gone")
    locked = models.BooleanField(default=False)
    labels = models.JSONField(default=list, help_text="names")
    pinned = models.BooleanField(default=False)
    pin_told_at = models.DateTimeField(null=True, help_text="GitHub's, of the snapshot that set `pinned`")
    answered_at = models.DateTimeField(null=True, help_text="when a comment was chosen as the answer")
    answer_chosen_by = models.TextField(blank=True, help_text="login")
    created_at = models.DateTimeField(null=True)
    changes = models.JSONField(default=dict, help_text="what actions of the second of `updated_at` changed")
    deleted = models.BooleanField(default=False, help_text="gone from this repository")
    transferred_to = models.TextField(blank=True, help_text="as owner/name#number, when that is why")

    objects: ClassVar = DiscussionManager()

    class Meta(Activity.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "number"], name="discussion_number")
        ]

    def __str__(self) -> str:
        return f"#{self.number} {self.title}"


# The state of a locked discussion is `locked`, closed or not.
ENDS = frozenset({"closed", "locked"})
REOPENS = frozenset({"reopened", "unlocked"})


# The former values that an action's name implies, for fields of discussions alone.
IMPLIED: Mapping[str, Collection[tuple[str, str]]] = {
    "locked": [("state", "open"), ("state", "closed")],
    "unlocked": [("state", "locked")],
    "answered": [("answer_chosen_by", "")],
}


def _implied(action: str) -> dict[str, frozenset[str]]:
    """Return the values that the action's name implies were replaced, as fields of `Snapshot`."""
    if action == "unanswered":
        return {"gained": frozenset({reversals.mark("answer_chosen_by", "")})}
    return {"lost": frozenset(reversals.mark(*former) for former in IMPLIED.get(action, ()))}


def _watermark(row: Row) -> Watermark:
    return Watermark(row["updated_at"], deleted=row["deleted"], ended=row["state"] in ENDS)


SNAPSHOTS = Snapshots(
    Discussion,
    ("repository_id", "number"),
    # No snapshot shows whether a discussion is pinned; only the two actions do.
    by_watermark(
        _watermark,
        side_fields={"pinned": "pin_told_at"},
        tracked=("labels", "title", "category", "locked", "state", "answer_chosen_by"),
        follows={"state_reason": "state", "answered_at": "answer_chosen_by"},
    ),
)


def _destination(event: DiscussionEvent) -> str:
    """Return the new place of a transferred discussion, as `owner/name#number`."""
    transfer = event.changes if event.action == "transferred" else None
    if transfer is None or transfer.new_discussion is None:
        return ""
    return changes.destination(transfer.new_repository, transfer.new_discussion.number)
