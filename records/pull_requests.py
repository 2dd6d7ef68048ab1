"""Pull requests, from the snapshot that every action carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from records import repositories
from records.merging import Decision, Row, Watermark
from records.snapshots import Snapshots

if TYPE_CHECKING:
    from records.models import PullRequest  # noqa: F401 - in quotes below
    from schemas.pull_request import PullRequestEvent

MERGED = "merged"


def _watermark(row: Row) -> Watermark:
    return Watermark(row["updated_at"], terminal=row["state"] == MERGED)


SNAPSHOTS = Snapshots("PullRequest", ("repository_id", "number"), _watermark)


class PullRequestManager(models.Manager["PullRequest"]):
    """Writes `PullRequest` rows."""

    async def record(self, event: PullRequestEvent) -> tuple[Row, Decision]:
        """Take in the snapshot of a pull request; gives its row, and what became of the snapshot."""
        repository = await repositories.seen(event.repository)
        seen = event.pull_request
        merged = bool(seen.merged)
        return await SNAPSHOTS.record(
            (repository, seen.number),
            {
                "title": seen.title,
                "state": MERGED if merged else seen.state,
                "draft": bool(seen.draft),
                "locked": bool(seen.locked),
                "author": seen.user.login if seen.user else "",
                "head_repository": (seen.head.repo.full_name if seen.head.repo else None) or "",
                "head_ref": seen.head.ref,
                "head_sha": seen.head.sha,
                "base_ref": seen.base.ref,
                "base_sha": seen.base.sha,
                # Until then it is the commit of a test merge, which is on no branch.
                "merge_commit_sha": (seen.merge_commit_sha or "") if merged else "",
                "merged_at": seen.merged_at,
                "labels": [label.name for label in seen.labels or ()],
                "assignees": [user.login for user in seen.assignees or () if user],
                "requested_reviewers": [user.login for user in seen.requested_reviewers or () if user],
                "requested_teams": [team.slug for team in seen.requested_teams or () if team],
                "milestone": seen.milestone.title if seen.milestone else "",
                "updated_at": seen.updated_at,
            },
        )
