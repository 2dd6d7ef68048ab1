"""Branches and tags, with the position after the newest push."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from records import chains
from records.merging import Row, Snapshot
from records.repositories import Repository
from records.snapshots import Snapshots

# Moves of one second that a row stores. Beyond it, older moves are dropped and the end may be wrong.
MAX_MOVES = 1_000


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

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["repository", "name"], name="ref_name")]

    def __str__(self) -> str:
        return self.name


def merge(stored: Row | None, snapshot: Snapshot, blank: Row) -> Row:
    """Merge the position of a ref: by the time of the push, and within one second by the chain of pushes."""
    fields = snapshot.fields
    move = [fields["previous_sha"], fields["head_sha"], fields["last_push_id"]]
    if stored is None or fields["pushed_at"] > stored["pushed_at"]:
        return {**(blank if stored is None else stored), **fields, "moves": [move]}
    known = stored["moves"] or [[stored["previous_sha"], stored["head_sha"], stored["last_push_id"]]]
    if fields["pushed_at"] < stored["pushed_at"] or move in known:
        return stored
    moves = sorted([*known[-MAX_MOVES:], move])
    head = _head(chains.ends([(before, after) for before, after, _ in moves]), stored, fields)
    before, _, push = chains.last(moves, head)
    return {
        **stored,
        "head_sha": head,
        "previous_sha": before,
        "deleted": not head.strip("0"),
        "last_push_id": push,
        "moves": moves,
    }


def _head(ends: frozenset[str], stored: Row, fields: Row) -> str:
    """Return the end of the chain. If there are several or none, the later arrival decides."""
    arrived, stands = str(fields["head_sha"]), str(stored["head_sha"])
    if not ends or arrived in ends:
        return arrived
    return stands if stands in ends else max(ends)


SNAPSHOTS = Snapshots(Ref, ("repository_id", "name"), merge)
