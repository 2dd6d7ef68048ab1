"""Branches and tags, with the position after the newest push."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.db import models

import database
from records import chains
from records.merging import Decision, Row, Snapshot
from records.repositories import Repository
from records.snapshots import Snapshots

# Moves of one second that a row stores. Beyond it, older moves are dropped and the end may be wrong.
MAX_MOVES = 1_000
# The `before` of a move that stands for the position of the ref before that second.
EARLIER = ""


class Ref(models.Model):
    """A branch or a tag after its newest push; older pushes may arrive later.

    Pushes of one second are ordered by their `before` and `after`, in any order of arrival.
    """

    repository = models.ForeignKey(Repository, models.CASCADE, related_name="refs", db_index=False)
    name = models.TextField(help_text="in full, as in refs/heads/main")
    head_sha = models.CharField(max_length=64, help_text="`after` of the last push: zeros when deleted")
    previous_sha = models.CharField(max_length=64, help_text="`before` of the last push: zeros when created")
    deleted = models.BooleanField(default=False)
    last_push = models.ForeignKey("records.Push", models.SET_NULL, null=True, related_name="+")
    pushed_at = models.DateTimeField(help_text="time of the last push")
    moves = models.JSONField(
        default=list, help_text="pushes of the second of `pushed_at`: before, after, primary key"
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
    move = [fields["previous_sha"], fields["head_sha"], fields["last_push_id"]]
    if stored is None or fields["pushed_at"] > stored["pushed_at"]:
        stood = [] if stored is None else [_earlier(stored)]
        return {**(blank if stored is None else stored), **fields, "moves": [*stood, move]}
    known = stored["moves"] or [[stored["previous_sha"], stored["head_sha"], stored["last_push_id"]]]
    if fields["pushed_at"] < stored["pushed_at"]:
        moves = _began(known, fields)
        return stored if moves == known else _after(stored, moves, stored["head_sha"])
    return stored if move in known else _after(stored, [*known[-MAX_MOVES:], move], fields["head_sha"])


def _earlier(row: Row) -> list[Any]:
    """Return the position of a row, as a move that stands for all before the second of another one."""
    return [EARLIER, row["head_sha"], row["last_push_id"], row["pushed_at"].isoformat()]


def _began(known: Sequence[chains.Move], fields: Row) -> list[chains.Move]:
    """Return the moves after a late push of an earlier second, which shows where the second began."""
    stood = next((one for one in known if one[0] == EARLIER), None)
    if stood is not None and not _continues(stood, fields):
        return list(known)
    return [_earlier(fields), *(one for one in known if one is not stood)]


def _continues(stood: chains.Move, fields: Row) -> bool:
    """Return whether a push is newer than a known position of a second before."""
    if len(stood) < len(_earlier(fields)):
        return False  # in a row of an older version it has no time, and is the newest that was known
    at = datetime.fromisoformat(str(stood[3]))
    return bool(
        at < fields["pushed_at"] or (at == fields["pushed_at"] and stood[1] == fields["previous_sha"])
    )


def _after(stored: Row, moves: Sequence[chains.Move], arrived: str) -> Row:
    """Return the row after the moves of one second, of which `arrived` is the head of the last arrival."""
    moves = sorted(moves)  # type: ignore[type-var] # texts and ids of one kind at each place
    within = [one for one in moves if one[0] != EARLIER]
    ends = chains.ends([(str(before), str(after)) for before, after, _ in within])
    head = _head(ends, stored, arrived) if ends else _start(moves, arrived)
    before, _, push = chains.last(within, head)
    return {
        **stored,
        "head_sha": head,
        "previous_sha": before,
        "deleted": not head.strip("0"),
        "last_push_id": push,
        "moves": moves,
    }


def _after_a_reading(stored: Row | None, fields: Row, blank: Row) -> Row:
    """Merge what GitHub's API showed: it is newer than every push up to `read_at`."""
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
    move = [fields["previous_sha"], fields["head_sha"], fields["last_push_id"]]
    return {**stored, **fields, "moves": [move]}


def _head(ends: frozenset[str], stored: Row, arrived: str) -> str:
    """Return the end of the chain. If there are several, the later arrival decides."""
    stands = str(stored["head_sha"])
    if arrived in ends:
        return arrived
    return stands if stands in ends else max(ends)


def _start(moves: Sequence[chains.Move], arrived: str) -> str:
    """Return where a ref began that returned to its start: its position before, else that it did not exist.

    A ref that was made, moved and deleted did not exist. One that did not move may also have been deleted and
    made again: the later arrival decides, as it does if no position is part of the chain.
    """
    within = {(str(before), str(after)) for before, after, *_ in moves if before != EARLIER}
    stood = [str(after) for before, after, *_ in moves if before == EARLIER]
    gone = [after for before, after in within if not after.strip("0") and (after, before) not in within]
    reached = {after for _, after in within}
    return next((after for after in stood + gone if after in reached), arrived)


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


async def observe_missing(repository: int, prefix: str, read_at: datetime) -> int:
    """Mark the refs with a prefix that a complete list of `observe` did not show; return their number."""
    gone = await database.run(lambda: list(_not_shown(repository, prefix, read_at)))
    return sum([await observe(repository, name, NOWHERE, read_at) for name in gone])


def _not_shown(repository: int, prefix: str, read_at: datetime) -> Iterable[str]:
    earlier = models.Q(read_at=None) | models.Q(read_at__lt=read_at)
    rows = Ref.objects.filter(
        earlier, repository=repository, name__startswith=prefix, deleted=False, pushed_at__lte=read_at
    )
    return rows.order_by("name").values_list("name", flat=True)
