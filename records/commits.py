"""Commits. They are immutable and many, so they are inserted as rows without Django objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from django.db import models, transaction

from database import Coalescer, bulk, row_sets
from records.repositories import Repository

if TYPE_CHECKING:
    from schemas.push import PushedCommit


class Commit(models.Model):
    """A commit of a repository; several pushes may contain it."""

    # The writer has just written the repository, so a foreign key check for each commit would be wasted.
    repository = models.ForeignKey(
        Repository, models.CASCADE, related_name="commits", db_index=False, db_constraint=False
    )
    sha = models.CharField(max_length=64)
    message = models.TextField()
    author_name = models.TextField(blank=True)
    author_email = models.TextField(blank=True, help_text="as git has it: it need not be an address")
    committed_at = models.DateTimeField(null=True, help_text="null if it cannot be read")

    class Meta:
        constraints: ClassVar = [
            # sha comes first so that the same index finds commits by the first characters of their hashes.
            models.UniqueConstraint(fields=["sha", "repository"], name="commit_sha_repository")
        ]

    def __str__(self) -> str:
        return self.sha


class Listed(NamedTuple):
    """Commits of a repository that wait to be written."""

    repository: int
    """Primary key."""
    commits: Sequence[PushedCommit]


@transaction.atomic
def _write_listed(lists: Sequence[Listed]) -> list[int]:
    _, new = write((listed.repository, commit) for listed in lists for commit in listed.commits)
    counts = []
    for listed in lists:
        keys = {(listed.repository, commit.id) for commit in listed.commits} & new
        new -= keys
        counts.append(len(keys))
    return counts


_coalesced = Coalescer(_write_listed, rows=lambda listed: len(listed.commits))


async def observe(repository: int, commits: Sequence[PushedCommit]) -> int:
    """Write commits that GitHub's API lists; return how many were not stored before."""
    return await _coalesced(Listed(repository, commits))


KEY = ("repository_id", "sha")
FIELDS = (*KEY, "message", "author_name", "author_email", "committed_at")


def write(carried: Iterable[tuple[int, PushedCommit]]) -> tuple[dict[row_sets.Row, int], set[row_sets.Row]]:
    """Write the commits of repositories; return the primary keys of all, and the keys of the new ones.

    Call in a transaction.
    """
    rows: dict[row_sets.Row, row_sets.Row] = {}
    for repository, commit in carried:
        key = (repository, commit.id)
        if key not in rows:
            author = commit.author
            name, email = (author.name or "", author.email or "") if author else ("", "")
            rows[key] = (*key, commit.message or "", name, email, commit.timestamp)
    return bulk.find_or_insert(Commit, KEY, FIELDS, rows)
