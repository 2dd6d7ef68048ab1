"""Checks of commits, by apps."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models

from records import repositories, runs
from records.merging import Decision, Row, Snapshot
from records.rules import ENDED
from records.snapshots import Snapshots

if TYPE_CHECKING:
    from schemas.check_run import CheckRunEvent


class CheckRunManager(models.Manager["CheckRun"]):
    """Writes `CheckRun` rows."""

    async def record(self, event: CheckRunEvent, server: str) -> tuple[Row, Decision]:
        """Merge the snapshot of a check run; return its row and the decision."""
        repository = await repositories.upsert(event.repository, server)
        check_run = event.check_run
        times = [time for time in (check_run.started_at, check_run.completed_at) if time]
        return await SNAPSHOTS.record(
            (repository, check_run.id),
            {
                **runs.fields(check_run, event.action),
                "name": check_run.name,
                "head_branch": (check_run.check_suite.head_branch if check_run.check_suite else None) or "",
                "app": (check_run.app.slug or check_run.app.name if check_run.app else None) or "",
                "started_at": check_run.started_at,
                "completed_at": check_run.completed_at,
                "suite_updated_at": check_run.check_suite.updated_at if check_run.check_suite else None,
                "updated_at": max(times, default=None),
            },
            action=event.action,
        )


class CheckRun(runs.Run):
    """A check of a commit as the newest snapshot shows it; `updated_at` is that of its end or its start."""

    name = models.TextField()
    app = models.TextField(blank=True, help_text="slug, else name, of the app that checks")
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    announced_at = models.DateTimeField(null=True, help_text="the start in the payload of `created`")
    previous_end = models.DateTimeField(null=True, help_text="`completed_at` of the end that was replaced")
    suite_updated_at = models.DateTimeField(null=True, help_text="GitHub's, of the snapshot that is stored")

    objects: ClassVar = CheckRunManager()

    class Meta(runs.Run.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "github_id"], name="check_run_id")
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.status}"


def _merge(stored: Row | None, snapshot: Snapshot, blank: Row) -> Row:
    """Merge by state and not by time, because the times may come from the app's clock or from GitHub's."""
    fields = snapshot.fields
    starts = {"announced_at": fields["started_at"]} if snapshot.action == "created" else {}
    if stored is None:
        return {**blank, **fields, **starts}
    if starts and stored["announced_at"] is None:
        return {**stored, **starts}  # `created` is the first snapshot, and arrived late
    if (starts and fields["started_at"] == stored["announced_at"]) or not _is_newer(stored, fields):
        return stored
    end = stored["completed_at"]
    replaced = end is not None and end != fields["completed_at"]
    return {**stored, **fields, "previous_end": end if replaced else stored["previous_end"]}


def _is_newer(stored: Row, fields: Row) -> bool:
    before, now = stored["suite_updated_at"], fields["suite_updated_at"]
    if None not in (before, now) and before != now:  # the only times that are GitHub's
        return bool(now > before)
    begins, ends, has_ended = fields["started_at"], fields["completed_at"], fields.get("status") == ENDED
    if has_ended and ends is not None and ends == stored["previous_end"]:
        return False
    if stored["status"] != ENDED:
        return True
    # An app's clock may end a check before GitHub's clock started it: an equal start is the same check.
    began, another = stored["started_at"], begins != stored["started_at"]
    if has_ended:
        # An end before the start of another attempt belongs to the attempt before.
        return None in (began, ends) or began <= ends or not another
    end = stored["completed_at"]
    return None not in (begins, end) and begins > max(end, stored["previous_end"] or end) and another


SNAPSHOTS = Snapshots(CheckRun, ("repository_id", "github_id"), _merge)
