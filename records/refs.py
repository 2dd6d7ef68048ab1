"""Branches and tags, with the position after the newest push."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any, ClassVar

from django.db import models

from records import chains
from records.merging import Decision, Row, Snapshot
from records.repositories import Repository
from records.snapshots import Snapshots

# Moves of one second that a row stores. Beyond it, some are dropped and the end may be wrong.
MAX_MOVES = 1_000


class Ref(models.Model):
    """A branch or a tag after its newest push; older pushes may arrive later.

    Pushes of one second are ordered by their `before` and `after`, in any order of arrival.
    """

    repository = models.ForeignKey(
        Repository, models.CASCADE, related_name="refs", db_index=False, db_constraint=False
    )
    name = models.TextField(help_text="in full, as in refs/heads/main")
    head_sha = models.CharField(max_length=64, help_text="`after` of the last push: zeros when deleted")
    previous_sha = models.CharField(max_length=64, help_text="`before` of the last push: zeros when created")
    deleted = models.BooleanField(default=False)
    # Each push changes it. Without an index of it, PostgreSQL writes no index entries (HOT).
    last_push = models.ForeignKey(
        "records.Push", models.SET_NULL, null=True, related_name="+", db_constraint=False, db_index=False
    )
    pushed_at = models.DateTimeField(help_text="time of the last push")
    moves = models.JSONField(
        default=list,
        help_text="pushes of the newest two seconds that had one",
    )
    read_at = models.DateTimeField(
        null=True,
        help_text="of GitHub's API, as a time of a push: no push up to it moves the ref",
    )

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["repository", "name"], name="ref_name")]

    def __str__(self) -> str:
        return self.name


def merge(stored: Row | None, snapshot: Snapshot, blank: Row) -> Row:
    """Merge the position of a ref: by the time of the push, and within one second by the chain of pushes."""
    fields = snapshot.fields
    if "read_at" in fields:
        return _after_a_reading(stored, fields, blank)
    if stored is not None and stored["read_at"] is not None and fields["pushed_at"] <= stored["read_at"]:
        return _before_a_reading(stored, fields)
    move = _move(fields)
    if stored is None:
        return _after(blank, [move], fields["head_sha"])
    known = _moves(stored)
    return stored if move in known else _after(stored, [*known, move], fields["head_sha"])


def _move(row: Row) -> list[Any]:
    """Return the move to the position of a row, with its time."""
    return [row["previous_sha"], row["head_sha"], row["last_push_id"], _text(row["pushed_at"])]


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _moves(row: Row) -> list[list[Any]]:
    """Return the moves of a row, with their times."""
    *_, now = own = _move(row)

    def timed(before: str, after: str, push: int | None, at: str = "", began: str = "") -> list[Any]:
        if before:
            return [before, after, push, now]
        # A row of 0.2.0 has neither the time nor the start of an earlier move.
        return [began, after, push, at or _text(row["pushed_at"] - timedelta.resolution)]

    return [timed(*move) for move in row["moves"]] or [own]


def _after(row: Row, moves: Sequence[list[Any]], arrived: str) -> Row:
    """Return the row after the moves of its newest second, of which `arrived` is the last arrival's head."""
    by_time = sorted(moves, key=itemgetter(3, 0, 1))
    seconds = [list(group) for _, group in groupby(by_time, key=itemgetter(3))]
    newest, earlier = seconds[-1][-MAX_MOVES:], [move for group in seconds[-2:-1] for move in group]
    last: chains.Move = newest[0]
    if len(newest) > 1:
        last = chains.last(newest, chains.position(newest, earlier, (arrived, row["head_sha"])))
    began, head, push, at = last
    return {
        **row,
        "head_sha": head,
        "previous_sha": began,
        "deleted": not head.strip("0"),
        "last_push_id": push,
        "pushed_at": datetime.fromisoformat(at),
        # Workers of 0.2.0 know an earlier move by its empty start, and read all others as three values.
        "moves": [
            *(["", *rest, before] for before, *rest in earlier[-MAX_MOVES:]),
            *(move[:-1] for move in newest),
        ],
    }


def _after_a_reading(stored: Row | None, fields: Row, blank: Row) -> Row:
    """Merge a position that GitHub's API showed: it is newer than every push up to `read_at`."""
    read_at, shown = fields["read_at"], {"head_sha": fields["head_sha"], "deleted": fields["deleted"]}
    if stored is not None:
        if stored["pushed_at"] > read_at or (stored["read_at"] is not None and stored["read_at"] > read_at):
            return stored
        if {**stored, **shown} == stored:
            return {**stored, "read_at": read_at}
    # The push that moved it here did not arrive; its time is unknown, and `read_at` at the latest.
    unknown = {"previous_sha": "", "last_push_id": None, "moves": [], "pushed_at": read_at}
    return {**(blank if stored is None else stored), **shown, **unknown, "read_at": read_at}


def _before_a_reading(stored: Row, fields: Row) -> Row:
    """Merge a push that GitHub's API had already included: it moves nothing, and may explain the position."""
    explains = stored["last_push_id"] is None or fields["pushed_at"] > stored["pushed_at"]
    if fields["head_sha"] != stored["head_sha"] or not explains:
        return stored
    return {**stored, **fields, "moves": [_move(fields)[:-1]]}


SNAPSHOTS = Snapshots(Ref, ("repository_id", "name"), merge)

NOWHERE = "0" * 40


async def observe(repository: int, name: str, sha: str, read_at: datetime) -> bool:
    """Merge the position of a ref as GitHub's API shows it; return whether the row changed.

    `repository` is a primary key. `read_at` is the `pushed_at` of the repository, read before the refs were:
    every push up to it is part of what they show.
    """
    fields = {"head_sha": sha, "deleted": sha == NOWHERE, "read_at": read_at}
    _, decision = await SNAPSHOTS.record((repository, name), fields)
    return decision is not Decision.KEEP


def not_shown(repository: int, prefix: str, read_at: datetime) -> list[str]:
    """Return the names of refs with a prefix that no `observe` of this reading has shown."""
    earlier = models.Q(read_at=None) | models.Q(read_at__lt=read_at)
    rows = Ref.objects.filter(
        earlier, repository=repository, name__startswith=prefix, deleted=False, pushed_at__lte=read_at
    )
    return list(rows.order_by("name").values_list("name", flat=True))
