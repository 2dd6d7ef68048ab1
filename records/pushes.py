"""Pushes: the move of a ref, the commits that came with it, and where the ref then stands.

Commits are immutable and many, so that they are inserted as rows and never made into objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from django.apps import apps
from django.db import models, transaction

from database import Coalescer, bulk, given, relax
from records import repositories
from records.merging import Row, Watermark
from records.snapshots import Snapshots

if TYPE_CHECKING:
    from records.models import Push  # noqa: F401 - in quotes below
    from schemas.push import PushEvent

# https://docs.github.com/webhooks/webhook-events-and-payloads#push
MOST_COMMITS = 2048

PUSH_KEY = ("repository_id", "ref", "before", "after", "pushed_at")
PUSH_FIELDS = (*PUSH_KEY, "forced", "created", "deleted", "truncated", "head_commit_sha", "pusher")
COMMIT_KEY = ("repository_id", "sha")
COMMIT_FIELDS = (*COMMIT_KEY, "message", "author_name", "author_email", "committed_at")


def _watermark(row: Row) -> Watermark:
    return Watermark(row["pushed_at"], value=row["head_sha"], replaced=row["previous_sha"])


REFS = Snapshots("Ref", ("repository_id", "name"), _watermark)


class Told(NamedTuple):
    """A push as it is to be written."""

    repository: int
    """Primary key."""
    event: PushEvent
    pushed_at: datetime

    @property
    def key(self) -> given.Row:
        """In the order of `PUSH_KEY`."""
        return (self.repository, self.event.ref, self.event.before, self.event.after, self.pushed_at)

    @property
    def truncated(self) -> bool:
        """Whether there may have been more commits than the payload lists."""
        return len(self.event.commits) >= MOST_COMMITS


class Recorded(NamedTuple):
    """What became of a push."""

    id: int
    """Primary key of the `Push`."""
    new: int
    """How many of its commits were not known before."""
    truncated: bool
    """Whether it carried as many commits as GitHub lists."""


class PushManager(models.Manager["Push"]):
    """Writes `Push` rows, their commits and their ref."""

    async def record(self, event: PushEvent, received_at: datetime) -> Recorded:
        """Write a push, its commits, which commit it carried where, and the ref that it moved.

        Commits are written `distinct` or not: an earlier push that brought one may have been missed.
        Concurrent calls in one event loop become one write.
        """
        repository = await repositories.seen(event.repository)
        pushed_at = event.repository.pushed_at
        if pushed_at is None:
            pushed_at = event.head_commit.timestamp if event.head_commit else received_at
        return await _coalesced(Told(repository, event, pushed_at))


@transaction.atomic
def _write(pushes: Sequence[Told]) -> list[Recorded]:
    relax()
    ids = _write_pushes(pushes)
    commits, new = _write_commits(pushes)
    places: dict[tuple[int, int], int] = {}
    recorded = []
    for push in pushes:
        pk, count = ids[push.key], 0
        for position, commit in enumerate(push.event.commits):
            key = (push.repository, commit.id)
            places.setdefault((pk, commits[key]), position)
            if key in new:
                new.remove(key)
                count += 1
        recorded.append(Recorded(pk, count, push.truncated))
    bulk.insert(
        apps.get_model("records", "PushCommit"),
        ("push_id", "commit_id", "position"),
        [(*key, places[key]) for key in sorted(places)],
        unique=("push_id", "commit_id"),
    )
    # Last, for a branch is what the pushes of others move, too, and would wait for.
    REFS.write([_ref(push, ids[push.key]) for push in pushes])
    return recorded


def _write_pushes(pushes: Sequence[Told]) -> dict[given.Row, int]:
    """Primary keys of the pushes, which are written where they are not yet known."""
    rows = {
        push.key: (
            *push.key,
            push.event.forced,
            push.event.created,
            push.event.deleted,
            push.truncated,
            push.event.head_commit.id if push.event.head_commit else "",
            (push.event.pusher.name if push.event.pusher else None) or "",
        )
        for push in pushes
    }
    return _ids("Push", PUSH_KEY, PUSH_FIELDS, rows)[0]


def _write_commits(pushes: Sequence[Told]) -> tuple[dict[given.Row, int], set[given.Row]]:
    """Primary keys of all commits, and which of them were not known before."""
    rows: dict[given.Row, given.Row] = {}
    for push in pushes:
        for commit in push.event.commits:
            key = (push.repository, commit.id)
            if key not in rows:
                author = commit.author
                name, email = author.name or "", author.email or ""
                rows[key] = (*key, commit.message, name, email, commit.timestamp)
    return _ids("Commit", COMMIT_KEY, COMMIT_FIELDS, rows)


def _ids(
    model: str, key: tuple[str, ...], fields: tuple[str, ...], rows: dict[given.Row, given.Row]
) -> tuple[dict[given.Row, int], set[given.Row]]:
    """Insert the rows that are not there; gives the primary keys of all, and the keys of those inserted."""
    table = apps.get_model("records", model)
    inserted = bulk.insert(
        table, fields, [rows[one] for one in sorted(rows)], unique=key, returning=("id", *key)
    )
    ids = {tuple(one): pk for pk, *one in inserted}
    new = set(ids)
    there = [one for one in rows if one not in new]
    ids |= {tuple(one): pk for pk, *one in bulk.select(table, key, there, ("id", *key))}
    return ids, new


def _ref(push: Told, pk: int) -> tuple[given.Row, Row]:
    """Where the push left its ref."""
    event = push.event
    return (push.repository, event.ref), {
        "head_sha": event.after,
        "previous_sha": event.before,
        "deleted": event.deleted,
        "last_push_id": pk,
        "pushed_at": push.pushed_at,
    }


_coalesced = Coalescer(_write, rows=lambda push: 2 + 2 * len(push.event.commits))
