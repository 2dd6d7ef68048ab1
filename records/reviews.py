"""Reviews of pull requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models

from records import changes, repositories
from records.activity import Activity
from records.merging import Decision, Row, Snapshot, Watermark
from records.rules import by_watermark
from records.snapshots import Snapshots

if TYPE_CHECKING:
    from schemas.pull_request_review import PullRequestReviewEvent

DISMISSED = "dismissed"
PENDING = "pending"


class PullRequestReviewManager(models.Manager["PullRequestReview"]):
    """Writes `PullRequestReview` rows."""

    async def record(self, event: PullRequestReviewEvent, server: str) -> tuple[Row, Decision]:
        """Merge the snapshot of a review; return its row and the decision.

        A review without `updated_at` takes that of its pull request, which every review updates. GitHub
        sends an `edited` without a body and its change beside `submitted`. It has no time, as has a review
        that is not yet submitted: https://github.com/rust-lang/triagebot/pull/1911.
        """
        repository = await repositories.upsert(event.repository, server)
        review = event.review
        edits = event.changes.body if event.changes else None
        updated_at = review.updated_at or event.pull_request.updated_at or review.submitted_at
        shows_nothing = event.action == "edited" and review.body is None and edits is None
        return await SNAPSHOTS.record(
            (repository, review.id),
            {
                "number": event.pull_request.number,
                "author": review.user.login if review.user else "",
                # The payload may show the state before: see `changes.decided`.
                "state": DISMISSED if event.action == DISMISSED else review.state,
                "body": review.body or "",
                "commit_sha": review.commit_id or "",
                "submitted_at": review.submitted_at,
                "updated_at": None if shows_nothing or review.state == PENDING else updated_at,
            },
            action=event.action,
            first=event.action == "submitted",
            **changes.replaced("body", edits, review.body or ""),
        )


class PullRequestReview(Activity):
    """A review of a pull request as the newest snapshot shows it; dismissed is final."""

    github_id = models.BigIntegerField()
    number = models.PositiveBigIntegerField(help_text="of the pull request")
    author = models.TextField(blank=True, help_text="login; empty when the account is gone")
    state = models.TextField(help_text="approved, changes_requested, commented, dismissed, ...")
    body = models.TextField(blank=True)
    changes = models.JSONField(default=dict, help_text="what actions of the second of `updated_at` changed")
    commit_sha = models.CharField(max_length=64, blank=True, help_text="the head that was reviewed")
    submitted_at = models.DateTimeField(null=True)

    objects: ClassVar = PullRequestReviewManager()

    class Meta(Activity.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "github_id"], name="review_id")
        ]

    def __str__(self) -> str:
        return f"{self.state} #{self.number}"


def _watermark(row: Row) -> Watermark:
    return Watermark(row["updated_at"], terminal=row["state"] == DISMISSED)


_newest = by_watermark(_watermark, tracked=("body",))


def _merge(stored: Row | None, snapshot: Snapshot, blank: Row) -> Row:
    """Merge by time. `submitted` is the first snapshot with one, but not the first of all."""
    begun = stored is not None and stored["updated_at"] is None and snapshot.fields["updated_at"] is not None
    return _newest(stored, snapshot._replace(first=False) if begun else snapshot, blank)


SNAPSHOTS = Snapshots(PullRequestReview, ("repository_id", "github_id"), _merge)
