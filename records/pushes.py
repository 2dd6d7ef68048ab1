"""Pushes: the move of a ref, its commits, and the resulting position of the ref."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from django.db import models, transaction

from database import Coalescer, bulk, row_sets
from records import commits, refs, repositories
from records.commits import Commit
from records.merging import Snapshot
from records.repositories import Repository

if TYPE_CHECKING:
    from schemas.push import PushedCommit, PushEvent

# https://docs.github.com/webhooks/webhook-events-and-payloads#push
MAX_COMMITS = 2048


class PendingPush(NamedTuple):
    """A push that is waiting to be written."""

    repository: int
    """Primary key."""
    event: PushEvent
    pushed_at: datetime
    commits: Sequence[tuple[int, PushedCommit]]
    """The readable ones, each with its position."""

    @property
    def key(self) -> row_sets.Row:
        """Return the values of `KEY`, in its order."""
        return (self.repository, self.event.ref, self.event.before, self.event.after, self.pushed_at)

    @property
    def truncated(self) -> bool:
        """Return whether there may have been more commits than the payload lists."""
        return len(self.event.commits or ()) >= MAX_COMMITS


class Recorded(NamedTuple):
    """The result of recording a push."""

    id: int
    """Primary key of the `Push`."""
    new: int
    """The number of its commits that were not stored before."""
    truncated: bool
    """Whether it contained as many commits as GitHub lists at most."""


class PushManager(models.Manager["Push"]):
    """Writes `Push` rows, their commits and their ref."""

    async def record(self, event: PushEvent, server: str, received_at: datetime) -> Recorded:
        """Write a push, its commits and their positions, and the ref that it moved.

        Commits that are not `distinct` are written too, because the earlier push may have been missed.
        Concurrent calls in one event loop become one write.
        """
        repository = await repositories.upsert(event.repository, server)
        # The author chooses the date of a commit, so it cannot order pushes.
        pushed_at = event.repository.last_pushed_at or received_at
        commits = [(place, commit) for place, commit in enumerate(event.commits or ()) if commit is not None]
        return await _coalesced(PendingPush(repository, event, pushed_at, commits))


class Push(models.Model):
    """One move of a ref. The same move may happen again later, so the time of the push is in its key."""

    repository = models.ForeignKey(Repository, models.CASCADE, related_name="pushes", db_index=False)
    ref = models.TextField()
    before = models.CharField(max_length=64)
    after = models.CharField(max_length=64)
    forced = models.BooleanField()
    created = models.BooleanField()
    deleted = models.BooleanField()
    truncated = models.BooleanField(
        default=False, help_text="it carried as many commits as GitHub lists: there may have been more"
    )
    head_commit_sha = models.CharField(
        max_length=64, blank=True, help_text="for an annotated tag, `after` is the tag and this its commit"
    )
    pusher = models.TextField(blank=True)
    pushed_at = models.DateTimeField(
        help_text="`pushed_at` of the repository, else `updated_at`, else of receipt"
    )
    commits: models.ManyToManyField[Commit, PushCommit] = models.ManyToManyField(
        Commit, through="PushCommit", related_name="pushes"
    )

    objects: ClassVar = PushManager()

    class Meta:
        verbose_name_plural = "pushes"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["repository", "ref", "before", "after", "pushed_at"], name="push_move"
            )
        ]

    def __str__(self) -> str:
        return f"{self.ref} {self.before[:7]}..{self.after[:7]}"


class PushCommit(models.Model):
    """A commit in a push, with its position."""

    # A surrogate key would be a third index entry for each commit, and nothing refers to this row.
    pk = models.CompositePrimaryKey("push", "commit")
    # One transaction writes the push, the commit and this row, so no foreign key check is needed.
    push = models.ForeignKey(Push, models.CASCADE, db_index=False, db_constraint=False)
    commit = models.ForeignKey(Commit, models.CASCADE, db_constraint=False)
    position = models.PositiveIntegerField(help_text="from 0, in the payload's order")

    def __str__(self) -> str:
        return f"{self.push_id}:{self.position}"


KEY = ("repository_id", "ref", "before", "after", "pushed_at")
FIELDS = (*KEY, "forced", "created", "deleted", "truncated", "head_commit_sha", "pusher")


@transaction.atomic
def _write(pushes: Sequence[PendingPush]) -> list[Recorded]:
    ids = _write_pushes(pushes)
    known, new = commits.write((push.repository, commit) for push in pushes for _, commit in push.commits)
    places: dict[tuple[int, int], int] = {}
    recorded = []
    for push in pushes:
        pk, count = ids[push.key], 0
        for position, commit in push.commits:
            key = (push.repository, commit.id)
            places.setdefault((pk, known[key]), position)
            if key in new:
                new.remove(key)
                count += 1
        recorded.append(Recorded(pk, count, push.truncated))
    bulk.insert(
        PushCommit,
        ("push_id", "commit_id", "position"),
        [(*key, places[key]) for key in sorted(places)],
        unique=("push_id", "commit_id"),
    )
    # Refs are written last, because pushes of other workers to the same branch wait for the lock.
    refs.SNAPSHOTS.write([_ref(push, ids[push.key]) for push in pushes])
    return recorded


def _write_pushes(pushes: Sequence[PendingPush]) -> dict[row_sets.Row, int]:
    """Write the pushes that are not yet known; return the primary keys of all."""
    rows = {
        push.key: (
            *push.key,
            bool(push.event.forced),
            push.event.creates,
            push.event.deletes,
            push.truncated,
            push.event.head_commit.id if push.event.head_commit else "",
            (push.event.pusher.name if push.event.pusher else None) or "",
        )
        for push in pushes
    }
    return bulk.find_or_insert(Push, KEY, FIELDS, rows)[0]


def _ref(push: PendingPush, pk: int) -> tuple[row_sets.Row, Snapshot]:
    """Return the snapshot of the ref after the push."""
    event = push.event
    fields = {
        "head_sha": event.after,
        "previous_sha": event.before,
        "deleted": event.deletes,
        "last_push_id": pk,
        "pushed_at": push.pushed_at,
    }
    return (push.repository, event.ref), Snapshot(fields)


_coalesced = Coalescer(_write, rows=lambda push: 2 + 2 * len(push.commits))
