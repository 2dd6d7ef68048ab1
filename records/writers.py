"""The managers that write records: `await PullRequest.objects.record(event)`.

Django has no asynchronous transactions, so each `record` runs one synchronous, atomic function in the
thread that asgiref keeps for the database.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.apps import apps
from django.db import models, transaction

from records.merging import Decision, Watermark, decide

if TYPE_CHECKING:
    import schemas
    from records.models import Commit, Issue, PullRequest, Push, Repository
    from schemas.issues import IssuesEvent
    from schemas.pull_request import PullRequestEvent
    from schemas.push import PushEvent


class RepositoryManager(models.Manager["Repository"]):
    """Writes `Repository` rows."""

    async def record(self, snapshot: schemas.Repository, *, deleted: bool = False) -> Decision:
        """Take in a repository as a payload shows it; tells what became of the snapshot."""
        _, decision = await sync_to_async(self.seen)(snapshot, deleted=deleted)
        return decision

    @transaction.atomic
    def seen(self, snapshot: schemas.Repository, *, deleted: bool = False) -> tuple[Repository, Decision]:
        """The row of a repository, brought up to the snapshot when that is the newer."""
        fields = {
            "full_name": snapshot.full_name,
            "private": snapshot.private,
            "archived": snapshot.archived,
            "default_branch": snapshot.default_branch or "",
            "updated_at": snapshot.updated_at,
            "deleted": deleted,
        }
        row, created = self.get_or_create(github_id=snapshot.id, defaults=fields)
        if created:
            return row, Decision.TOMBSTONE if deleted else Decision.APPLY
        if all(getattr(row, name) == value for name, value in fields.items()):
            return row, Decision.KEEP  # the common case, a push to a known repository, takes no lock
        row = self.select_for_update().get(pk=row.pk)
        decision = decide(
            Watermark(row.updated_at, deleted=row.deleted), Watermark(snapshot.updated_at, deleted=deleted)
        )
        if decision is not Decision.KEEP:
            _write(row, fields)
        return row, decision


class PushManager(models.Manager["Push"]):
    """Writes `Push` rows and their commits."""

    async def record(self, event: PushEvent, received_at: datetime) -> tuple[Push, int]:
        """Write a push, its commits, and which commit it carried where.

        Gives the push and the number of commits that were not known before.
        """
        return await sync_to_async(self._record)(event, received_at)

    @transaction.atomic
    def _record(self, event: PushEvent, received_at: datetime) -> tuple[Push, int]:
        repository, _ = _repositories().seen(event.repository)
        pushed_at = event.repository.pushed_at
        if pushed_at is None:
            pushed_at = event.head_commit.timestamp if event.head_commit else received_at
        push, _ = self.get_or_create(
            repository=repository,
            ref=event.ref,
            before=event.before,
            after=event.after,
            pushed_at=pushed_at,
            defaults={
                "forced": event.forced,
                "created": event.created,
                "deleted": event.deleted,
                "pusher": (event.pusher.name if event.pusher else None) or "",
            },
        )
        return push, self._add_commits(push, event)

    def _add_commits(self, push: Push, event: PushEvent) -> int:
        """Upsert the commits, `distinct` or not: an earlier push that brought one may have been missed."""
        position = {commit.id: place for place, commit in reversed(list(enumerate(event.commits)))}
        if not position:
            return 0
        commits: models.Manager[Commit] = apps.get_model("records", "Commit")._default_manager
        of_push = commits.filter(repository=push.repository, sha__in=position)
        known = of_push.count()
        carried = {commit.id: commit for commit in event.commits}
        # In one order, whoever writes, so that two workers cannot wait for each other.
        commits.bulk_create(
            [
                commits.model(
                    repository=push.repository,
                    sha=sha,
                    message=carried[sha].message,
                    author_name=carried[sha].author.name or "",
                    author_email=carried[sha].author.email or "",
                    committed_at=carried[sha].timestamp,
                )
                for sha in sorted(position)
            ],
            ignore_conflicts=True,
        )
        through = apps.get_model("records", "PushCommit")
        through._default_manager.bulk_create(
            [
                through(push=push, commit_id=pk, position=position[sha])
                for sha, pk in sorted(of_push.values_list("sha", "pk"))
            ],
            ignore_conflicts=True,
        )
        return len(position) - known


class PullRequestManager(models.Manager["PullRequest"]):
    """Writes `PullRequest` rows."""

    async def record(self, event: PullRequestEvent) -> tuple[PullRequest, Decision]:
        """Take in the snapshot of a pull request; tells what became of it."""
        return await sync_to_async(self._record)(event)

    @transaction.atomic
    def _record(self, event: PullRequestEvent) -> tuple[PullRequest, Decision]:
        repository, _ = _repositories().seen(event.repository)
        seen = event.pull_request
        merged = bool(seen.merged)
        fields = {
            "title": seen.title,
            "state": "merged" if merged else seen.state,
            "draft": bool(seen.draft),
            "author": seen.user.login if seen.user else "",
            "head_ref": seen.head.ref,
            "head_sha": seen.head.sha,
            "base_ref": seen.base.ref,
            # Until then it is the commit of a test merge, which is on no branch.
            "merge_commit_sha": (seen.merge_commit_sha or "") if merged else "",
            "merged_at": seen.merged_at,
            "updated_at": seen.updated_at,
        }
        row, created = self.select_for_update().get_or_create(
            repository=repository, number=seen.number, defaults=fields
        )
        if created:
            return row, Decision.APPLY
        decision = decide(
            Watermark(row.updated_at, terminal=row.state == "merged"),
            Watermark(seen.updated_at, terminal=merged),
        )
        if decision is Decision.APPLY:
            _write(row, fields)
        return row, decision


class IssueManager(models.Manager["Issue"]):
    """Writes `Issue` rows."""

    async def record(self, event: IssuesEvent, *, deleted: bool = False) -> tuple[Issue, Decision]:
        """Take in the snapshot of an issue, or its deletion; tells what became of it."""
        return await sync_to_async(self._record)(event, deleted=deleted)

    @transaction.atomic
    def _record(self, event: IssuesEvent, *, deleted: bool) -> tuple[Issue, Decision]:
        repository, _ = _repositories().seen(event.repository)
        seen = event.issue
        fields = {
            "title": seen.title,
            "state": seen.state,
            "state_reason": seen.state_reason or "",
            "author": seen.user.login if seen.user else "",
            "deleted": deleted,
            "updated_at": seen.updated_at,
        }
        row, created = self.select_for_update().get_or_create(
            repository=repository, number=seen.number, defaults=fields
        )
        if created:
            return row, Decision.TOMBSTONE if deleted else Decision.APPLY
        decision = decide(
            Watermark(row.updated_at, deleted=row.deleted), Watermark(seen.updated_at, deleted=deleted)
        )
        if decision is not Decision.KEEP:
            _write(row, fields)
        return row, decision


def _repositories() -> RepositoryManager:
    manager = apps.get_model("records", "Repository")._default_manager
    assert isinstance(manager, RepositoryManager)  # noqa: S101 - tells mypy what the model declares
    return manager


def _write(row: models.Model, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        setattr(row, name, value)
    row.save(update_fields=list(fields))
