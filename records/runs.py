"""The base of what runs on a commit and ends: runs of workflows, their jobs, checks, suites of checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from records.activity import Activity

if TYPE_CHECKING:
    from schemas._runs import Run as Seen


class Run(Activity):
    """What runs on a commit, as the newest snapshot shows it."""

    github_id = models.BigIntegerField()
    head_branch = models.TextField(blank=True)
    head_sha = models.CharField(max_length=64)
    status = models.TextField(blank=True, help_text="queued, in_progress, completed, ...")
    conclusion = models.TextField(blank=True, help_text="success, failure, ...; empty before the end")

    class Meta(Activity.Meta):
        abstract = True


def fields(seen: Seen) -> dict[str, Any]:
    """Return the fields of `Run` that a snapshot shows, besides the id."""
    return {
        "head_branch": seen.head_branch or "",
        "head_sha": seen.head_sha,
        "status": seen.status or "",
        "conclusion": seen.conclusion or "",
    }
