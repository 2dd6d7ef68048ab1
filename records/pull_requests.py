"""Pull requests, from the snapshot that every action carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from records import changes, repositories
from records.merging import Decision, Row, Watermark
from records.repositories import Repository
from records.rules import by_watermark
from records.snapshots import Snapshots, listed

if TYPE_CHECKING:
    from schemas.pull_request import PullRequest as PullRequestSnapshot
    from schemas.pull_request import PullRequestEvent

MERGED = "merged"


class PullRequestManager(models.Manager["PullRequest"]):
    """Writes `PullRequest` rows."""

    async def record(self, event: PullRequestEvent, server: str) -> tuple[Row, Decision]:
        """Merge the snapshot of a pull request; return its row and the decision."""
        # Read before the await, because afterwards the payload is no longer in the processor's caches.
        fields, changed = _fields(event.pull_request), _changes(event)
        fields["state"] = changes.state_after(event.action, fields["state"])
        repository = await repositories.upsert(event.repository, server)
        return await SNAPSHOTS.record(
            (repository, event.pull_request.number),
            changes.decided(event.action, fields),
            action=event.action,
            first=event.action == "opened",
            **changed,
        )

    async def observe(
        self, repository: int, pull: PullRequestSnapshot, *, second_over: bool
    ) -> tuple[Row, Decision]:
        """Merge a pull request as GitHub's API shows it; `repository` is a primary key.

        `second_over` is whether the second of its `updated_at` was over: see `records.merging.Snapshot`.
        """
        return await SNAPSHOTS.record((repository, pull.number), _fields(pull), second_over=second_over)


class PullRequest(models.Model):
    """A pull request as the newest snapshot shows it; merged is final."""

    class State(models.TextChoices):
        """GitHub's states, with merged as one of its own."""

        OPEN = "open"
        CLOSED = "closed"
        MERGED = MERGED

    repository = models.ForeignKey(
        Repository, models.CASCADE, related_name="pull_requests", db_index=False, db_constraint=False
    )
    number = models.PositiveBigIntegerField()
    title = models.TextField()
    state = models.CharField(max_length=6, choices=State.choices, default=State.OPEN)
    draft = models.BooleanField(default=False)
    locked = models.BooleanField(default=False)
    author = models.TextField(blank=True, help_text="login; empty when the account is gone")
    head_repository = models.TextField(blank=True, help_text="full name; empty when the fork is gone")
    head_ref = models.TextField()
    head_sha = models.CharField(max_length=64)
    base_ref = models.TextField()
    base_sha = models.CharField(max_length=64, blank=True)
    merge_commit_sha = models.CharField(max_length=64, blank=True, help_text="only of a merged one")
    merged_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    labels = models.JSONField(default=list, help_text="names")
    assignees = models.JSONField(default=list, help_text="logins")
    requested_reviewers = models.JSONField(default=list, help_text="logins")
    requested_teams = models.JSONField(default=list, help_text="slugs")
    milestone = models.TextField(blank=True, help_text="title")
    changes = models.JSONField(default=dict, help_text="what actions of the second of `updated_at` changed")
    updated_at = models.DateTimeField(null=True, help_text="GitHub's, of the snapshot that is stored")

    objects: ClassVar = PullRequestManager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "number"], name="pull_request_number")
        ]

    def __str__(self) -> str:
        return f"#{self.number} {self.title}"


def _watermark(row: Row) -> Watermark:
    return Watermark(
        row["updated_at"],
        terminal=row["state"] == MERGED,
        ended=row["state"] != PullRequest.State.OPEN,
    )


PEOPLE = ("assignees", "requested_reviewers", "requested_teams")
BASE = ("base_ref", "base_sha")
TRACKED = (*PEOPLE, *BASE, "labels", "title", "head_sha", "milestone", "locked", "draft", "state")
SNAPSHOTS = Snapshots(
    PullRequest,
    ("repository_id", "number"),
    by_watermark(_watermark, tracked=TRACKED, follows={"closed_at": "state"}),
)


def _fields(pull: PullRequestSnapshot) -> dict[str, Any]:
    """Return the fields that every snapshot has. Only some answers of the API have `merged`."""
    merged, head, base = bool(pull.merged or pull.merged_at), pull.head, pull.base
    return {
        "title": pull.title,
        "state": MERGED if merged else pull.state,
        "draft": pull.draft,
        "locked": pull.locked,
        "author": pull.user.login if pull.user else "",
        "head_repository": head and ((head.repo.full_name if head.repo else None) or ""),
        "head_ref": head and head.ref,
        "head_sha": head and head.sha,
        "base_ref": base and base.ref,
        "base_sha": base and base.sha,
        # Before the merge, it is the commit of a test merge, which is on no branch.
        "merge_commit_sha": pull.merge_commit_sha if merged else "",
        "merged_at": pull.merged_at,
        "closed_at": pull.closed_at,
        "labels": listed(pull.labels, "name"),
        "assignees": listed(pull.assignees, "login"),
        "requested_reviewers": listed(pull.requested_reviewers, "login"),
        "requested_teams": listed(pull.requested_teams, "slug"),
        "milestone": pull.milestone.title if pull.milestone else "",
        "updated_at": pull.updated_at,
    }


def _changes(event: PullRequestEvent) -> dict[str, frozenset[str]]:
    """Return the changes of the action."""
    action, pull, edits = event.action, event.pull_request, event.changes.title if event.changes else None
    former, base = (event.changes.base if event.changes else None), pull.base
    return changes.together(
        changes.added(action, "labeled", "labels", event.label, "name"),
        changes.added(action, "assigned", "assignees", event.assignee, "login"),
        changes.added(action, "review_requested", "requested_reviewers", event.requested_reviewer, "login"),
        changes.added(action, "review_requested", "requested_teams", event.requested_team, "slug"),
        changes.replaced("title", edits, pull.title or ""),
        changes.implied(action),
        changes.milestoned(action, event.milestone, pull.milestone),
        changes.replaced("head_sha", event.before, (pull.head.sha if pull.head else None) or ""),
        changes.replaced("base_ref", former.ref if former else None, (base.ref if base else None) or ""),
        changes.replaced("base_sha", former.sha if former else None, (base.sha if base else None) or ""),
    )
