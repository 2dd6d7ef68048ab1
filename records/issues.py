"""Issues, from the snapshot that every action carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from records import changes, repositories
from records.merging import Decision, Row, Watermark
from records.repositories import Repository
from records.rules import by_watermark
from records.snapshots import Snapshots, listed

if TYPE_CHECKING:
    from schemas.issues import Issue as IssueSnapshot
    from schemas.issues import IssuesEvent


class IssueManager(models.Manager["Issue"]):
    """Writes `Issue` rows."""

    async def record(self, event: IssuesEvent, server: str) -> tuple[Row, Decision]:
        """Merge the snapshot of an issue; return its row and the decision.

        `deleted` and `transferred` leave a tombstone: the issue is gone from this repository, and no late
        delivery revives it. The issue in the other repository is another row, which that repository's own
        `opened` writes, before or after.
        """
        issue = event.issue
        gone = event.action in {"deleted", "transferred"}
        fields = {**_fields(issue), "deleted": gone, "transferred_to": _destination(event)}
        fields["state"] = changes.state_after(event.action, issue.state)
        if event.action in {"pinned", "unpinned"}:
            fields |= {"pinned": event.action == "pinned", "pin_told_at": issue.updated_at}
        edits = event.changes.title if event.changes else None
        changed = changes.together(
            changes.added(event.action, "labeled", "labels", event.label, "name"),
            changes.added(event.action, "assigned", "assignees", event.assignee, "login"),
            changes.replaced("title", edits, issue.title or ""),
            changes.implied(event.action),
            changes.milestoned(event.action, event.milestone, issue.milestone),
        )
        repository = await repositories.upsert(event.repository, server)
        return await SNAPSHOTS.record(
            (repository, issue.number),
            changes.decided(event.action, fields),
            action=event.action,
            first=event.action == "opened",
            **changed,
        )

    async def observe(
        self, repository: int, issue: IssueSnapshot, *, second_over: bool
    ) -> tuple[Row, Decision]:
        """Merge an issue as GitHub's API shows it; `repository` is a primary key.

        `second_over` is whether the second of its `updated_at` was over: see `records.merging.Snapshot`.
        """
        return await SNAPSHOTS.record((repository, issue.number), _fields(issue), second_over=second_over)


class Issue(models.Model):
    """An issue as the newest snapshot shows it; one that was deleted or transferred stays as a tombstone."""

    class State(models.TextChoices):
        """GitHub's states."""

        OPEN = "open"
        CLOSED = "closed"

    repository = models.ForeignKey(
        Repository, models.CASCADE, related_name="issues", db_index=False, db_constraint=False
    )
    number = models.PositiveBigIntegerField()
    title = models.TextField()
    state = models.CharField(max_length=6, choices=State.choices, default=State.OPEN)
    state_reason = models.TextField(blank=True)
    author = models.TextField(blank=True, help_text="login; empty when the account is gone")
    locked = models.BooleanField(default=False)
    labels = models.JSONField(default=list, help_text="names")
    assignees = models.JSONField(default=list, help_text="logins")
    milestone = models.TextField(blank=True, help_text="title")
    pinned = models.BooleanField(default=False)
    pin_told_at = models.DateTimeField(null=True, help_text="GitHub's, of the snapshot that set `pinned`")
    closed_at = models.DateTimeField(null=True)
    changes = models.JSONField(default=dict, help_text="what actions of the second of `updated_at` changed")
    deleted = models.BooleanField(default=False, help_text="gone from this repository")
    transferred_to = models.TextField(blank=True, help_text="as owner/name#number, when that is why")
    updated_at = models.DateTimeField(null=True, help_text="GitHub's, of the snapshot that is stored")

    objects: ClassVar = IssueManager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "number"], name="issue_number")
        ]

    def __str__(self) -> str:
        return f"#{self.number} {self.title}"


def _watermark(row: Row) -> Watermark:
    return Watermark(
        row["updated_at"],
        deleted=row["deleted"],
        ended=row["state"] == Issue.State.CLOSED,
    )


SNAPSHOTS = Snapshots(
    Issue,
    ("repository_id", "number"),
    by_watermark(
        _watermark,
        # No snapshot shows whether an issue is pinned; only the two actions do.
        side_fields={"pinned": "pin_told_at"},
        tracked=("labels", "assignees", "title", "milestone", "locked", "state"),
        follows={"state_reason": "state", "closed_at": "state"},
    ),
)


def _fields(issue: IssueSnapshot) -> dict[str, Any]:
    """Return the fields that every snapshot has."""
    return {
        "title": issue.title,
        "state": issue.state,
        "state_reason": issue.state_reason or "",
        "author": issue.user.login if issue.user else "",
        "locked": issue.locked,
        "labels": listed(issue.labels, "name"),
        "assignees": listed(issue.assignees, "login"),
        "milestone": issue.milestone.title if issue.milestone else "",
        "closed_at": issue.closed_at,
        "updated_at": issue.updated_at,
    }


def _destination(event: IssuesEvent) -> str:
    """Return the new place of a transferred issue, as `owner/name#number`."""
    transfer = event.changes if event.action == "transferred" else None
    if transfer is None or transfer.new_issue is None:
        return ""
    return changes.destination(transfer.new_repository, transfer.new_issue.number)
