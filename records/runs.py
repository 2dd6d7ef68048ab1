"""The base of workflow runs, their jobs, check runs and check suites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from records.activity import Activity
from records.rules import ENDED

if TYPE_CHECKING:
    from schemas._runs import Run as RunSnapshot

# Actions with the name of the status that they lead to.
STATUSES = frozenset({"requested", "waiting", "pending", "queued", "in_progress"})


class Run(Activity):
    """A run on a commit as the newest snapshot shows it."""

    github_id = models.BigIntegerField()
    head_branch = models.TextField(blank=True)
    head_sha = models.CharField(max_length=64)
    status = models.TextField(blank=True, help_text="queued, in_progress, completed, ...")
    conclusion = models.TextField(blank=True, help_text="success, failure, ...; empty before the end")

    class Meta(Activity.Meta):
        abstract = True


def status_after(action: str, shown: str | None) -> str | None:
    """Return the status after an action, from that in its snapshot; None if neither has one.

    `completed` may show the status before the end, and no other delivery reports the end.
    """
    return ENDED if action == ENDED else shown or (action if action in STATUSES else None)


def fields(snapshot: RunSnapshot, action: str = "") -> dict[str, Any]:
    """Return the fields of `Run` in a snapshot after an action, without the id."""
    return {
        "head_branch": snapshot.head_branch or "",
        "head_sha": snapshot.head_sha,
        "status": status_after(action, snapshot.status),
        "conclusion": snapshot.conclusion or "",
    }
