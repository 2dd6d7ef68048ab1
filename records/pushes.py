"""Pushes: the move of a ref, its commits, and the resulting position of the ref."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from django.db import models, transaction

from database import Coalescer, bulk, row_sets
from records import commits, refs, repositories
from records.commits import Commit, Listed
from records.merging import Snapshot
from records.repositories import Repository

if TYPE_CHECKING:
    from schemas.push import PushEvent

# https://docs.github.com/webhooks/webhook-events-and-payloads#push
MAX_COMMITS = 2048


class Details(NamedTuple):
    """The fields of a push beside its key."""

    forced: bool
    created: bool
    deleted: bool
    truncated: bool
    head_commit_sha: str
    pusher: str


class PendingPush(NamedTuple):
    """A push that is waiting to be written."""

    key: row_sets.Row
    """The values of `KEY`."""
    details: Details
    commits: Listed


class Recorded(NamedTuple):
    """The result of recording a push."""

    id: int
    """Primary key of the `Push`."""
    new: int
    """The number of its commits that were not stored before."""
    truncated: bool
    """Whether it contained as many commits as GitHub lists at most."""
    gone: bool
    """Whether the repository has a tombstone after the write."""


class PushManager(models.Manager["Push"]):
    """Writes `Push` rows, their commits and their ref."""

    async def record(self, event: PushEvent, server: str, received_at: datetime) -> Recorded:
        """Write a push, its commits and their positions, and the ref that it moved.

        Commits that are not `distinct` are written too, because the earlier push may have been missed.
        Concurrent calls in one event loop become one write.
        """
        # Read before the await, because afterwards the payload is no longer in the processor's caches.
        details, carried = _details(event), commits.listed(event.commits or ())
        repository = await repositories.upsert(event.repository, server)
        # The author chooses the date of a commit, so it cannot order pushes.
        pushed_at = event.repository.last_pushed_at or received_at
        key = (repository, event.ref, event.before, event.after, pushed_at)
        recorded = await _coalesced(PendingPush(key, details, carried))
        if recorded.gone:  # lifts the tombstone if the push is after the deletion
            await repositories.upsert(event.repository, server)
        return recorded


class Push(models.Model):
    """One move of a ref. The same move may happen again later, so the time of the push is in its key."""

    repository = models.ForeignKey(
        Repository, models.CASCADE, related_name="pushes", db_index=False, db_constraint=False
    )
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
    push = models.ForeignKey(Push, models.CASCADE, db_index=False, db_constraint=False)
    commit = models.ForeignKey(Commit, models.CASCADE, db_constraint=False)
    position = models.PositiveIntegerField(help_text="from 0, in the payload's order")

    def __str__(self) -> str:
        return f"{self.push_id}:{self.position}"


KEY = ("repository_id", "ref", "before", "after", "pushed_at")
PLACE = ("push_id", "commit_id", "position")


def _details(event: PushEvent) -> Details:
    return Details(
        forced=bool(event.forced),
        created=event.creates,
        deleted=event.deletes,
        truncated=len(event.commits or ()) >= MAX_COMMITS,
        head_commit_sha=event.head_commit.id if event.head_commit else "",
        pusher=(event.pusher.name if event.pusher else None) or "",
    )


def _write(pushes: Sequence[PendingPush]) -> list[Recorded]:
    recorded = _write_rows(pushes)
    # After the commit, because a deletion looks for pushes after its own.
    gone = set(
        Repository.objects.filter(pk__in={push.key[0] for push in pushes}, deleted=True).values_list(
            "pk", flat=True
        )
    )
    return [one._replace(gone=push.key[0] in gone) for push, one in zip(pushes, recorded, strict=True)]


@transaction.atomic
def _write_rows(pushes: Sequence[PendingPush]) -> list[Recorded]:
    rows = {push.key: (*push.key, *push.details) for push in pushes}
    ids, new_pushes = bulk.find_or_insert(Push, KEY, (*KEY, *Details._fields), rows)
    known, counts = commits.write([(push.key[0], push.commits) for push in pushes])
    written = [(ids[push.key], push) for push in pushes]
    # No other transaction can write places of a push that this one inserted. The lookup would cost a third.
    inserted = {ids[key] for key in new_pushes}
    for unique, chosen in (((), inserted), (PLACE[:2], set(ids.values()) - inserted)):
        places = {
            (pk, known[push.key[0], sha], place)
            for pk, push in written
            if pk in chosen
            for sha, (place, _) in push.commits.items()
        }
        bulk.insert(PushCommit, PLACE, sorted(places), unique=unique)
    # Refs are written last, because pushes of other workers to the same branch wait for the lock.
    refs.SNAPSHOTS.write([_ref(push, pk) for pk, push in written])
    return [
        Recorded(pk, new, push.details.truncated, gone=False)
        for (pk, push), new in zip(written, counts, strict=True)
    ]


def _ref(push: PendingPush, pk: int) -> tuple[row_sets.Row, Snapshot]:
    """Return the snapshot of the ref after the push."""
    repository, ref, before, after, pushed_at = push.key
    fields = {
        "head_sha": after,
        "previous_sha": before,
        "deleted": push.details.deleted,
        "last_push_id": pk,
        "pushed_at": pushed_at,
    }
    return (repository, ref), Snapshot(fields)


# Most of a worker's rows are commits. While PostgreSQL writes some, the next ones are prepared and sent.
_coalesced = Coalescer(_write, rows=lambda push: 2 + 2 * len(push.commits), at_once=2)
