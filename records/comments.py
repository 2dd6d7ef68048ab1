"""What people say of issues and pull requests: comments and reviews."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from records import repositories
from records.merging import Decision, Row, Watermark
from records.snapshots import Snapshots

if TYPE_CHECKING:
    from records.activity import IssueComment, PullRequestReview  # noqa: F401 - in quotes below
    from schemas.issue_comment import IssueCommentEvent
    from schemas.pull_request_review import PullRequestReviewEvent

DISMISSED = "dismissed"

COMMENTS = Snapshots("IssueComment", ("github_id",))
REVIEWS = Snapshots(
    "PullRequestReview",
    ("github_id",),
    lambda row: Watermark(row["updated_at"], terminal=row["state"] == DISMISSED),
)


class IssueCommentManager(models.Manager["IssueComment"]):
    """Writes `IssueComment` rows."""

    async def record(self, event: IssueCommentEvent) -> tuple[Row, Decision]:
        """Take in the snapshot of a comment; gives its row, and what became of the snapshot.

        `deleted` leaves a tombstone.
        """
        repository = await repositories.seen(event.repository)
        seen = event.comment
        return await COMMENTS.record(
            (seen.id,),
            {
                "repository_id": repository,
                "number": event.issue.number,
                "on_pull_request": event.issue.pull_request is not None,
                "author": seen.user.login if seen.user else "",
                "body": seen.body or "",
                "created_at": seen.created_at,
                "updated_at": seen.updated_at,
                "deleted": event.action == "deleted",
            },
        )


class PullRequestReviewManager(models.Manager["PullRequestReview"]):
    """Writes `PullRequestReview` rows."""

    async def record(self, event: PullRequestReviewEvent) -> tuple[Row, Decision]:
        """Take in the snapshot of a review; gives its row, and what became of the snapshot.

        Where a review does not tell when it was updated, its pull request does, which every review updates.
        """
        repository = await repositories.seen(event.repository)
        seen = event.review
        return await REVIEWS.record(
            (seen.id,),
            {
                "repository_id": repository,
                "number": event.pull_request.number,
                "author": seen.user.login if seen.user else "",
                "state": seen.state,
                "body": seen.body or "",
                "commit_sha": seen.commit_id or "",
                "submitted_at": seen.submitted_at,
                "updated_at": seen.updated_at or event.pull_request.updated_at or seen.submitted_at,
            },
        )
