"""The base of workflow runs, their jobs, check runs and check suites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from records.activity import Activity

if TYPE_CHECKING:
    from schemas._runs import Run as RunSnapshot


class Run(Activity):
    """A run on a commit as the newest snapshot shows it."""

    github_id = models.BigIntegerField()
    head_branch = models.TextField(blank=True)
    head_sha = models.CharField(max_length=64)
    status = models.TextField(blank=True, help_text="queued, in_progress, completed, ...")
    conclusion = models.TextField(blank=True, help_text="success, failure, ...; empty before the end")

    class Meta(Activity.Meta):
        abstract = True


def fields(snapshot: RunSnapshot) -> dict[str, Any]:
    """Return the fields of `Run` in a snapshot, without the id."""
    return {
        "head_branch": snapshot.head_branch or "",
        "head_sha": snapshot.head_sha,
        "status": snapshot.status or "",
        "conclusion": snapshot.conclusion or "",
    }
