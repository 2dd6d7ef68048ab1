"""Pull requests, from the snapshot that every action carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from records import repositories
from records.merging import Decision, Row, Watermark
from records.snapshots import Snapshots, listed

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
        merged = bool(seen.merged or seen.merged_at)
        return await SNAPSHOTS.record(
            (repository, seen.number),
            {
                "title": seen.title,
                "state": MERGED if merged else seen.state,
                "draft": seen.draft,
                "locked": seen.locked,
                "author": seen.user.login if seen.user else "",
                "head_repository": (seen.head.repo.full_name if seen.head.repo else None) or "",
                "head_ref": seen.head.ref,
                "head_sha": seen.head.sha,
                "base_ref": seen.base.ref,
                "base_sha": seen.base.sha,
                # Until then it is the commit of a test merge, which is on no branch.
                "merge_commit_sha": (seen.merge_commit_sha or "") if merged else "",
                "merged_at": seen.merged_at,
                "labels": listed(seen.labels, "name"),
                "assignees": listed(seen.assignees, "login"),
                "requested_reviewers": listed(seen.requested_reviewers, "login"),
                "requested_teams": listed(seen.requested_teams, "slug"),
                "milestone": seen.milestone.title if seen.milestone else "",
                "updated_at": seen.updated_at,
            },
        )
