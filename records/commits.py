"""Commits. They are immutable and many, so they are inserted as rows without Django objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from django.db import models, transaction

from database import Coalescer, bulk, row_sets
from records.repositories import Repository

if TYPE_CHECKING:
    from schemas.push import PushedCommit


class Commit(models.Model):
    """A commit of a repository; several pushes may contain it."""

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


Listed = Mapping[str, tuple[int, row_sets.Row]]
"""Commits by sha, each with its position in the list and its `DETAILS`; of two of one sha, the first."""

KEY = ("repository_id", "sha")
DETAILS = ("message", "author_name", "author_email", "committed_at")


def listed(commits: Iterable[PushedCommit | None]) -> Listed:
    """Return the stored columns of the readable commits of a list."""
    found: dict[str, tuple[int, row_sets.Row]] = {}
    for place, commit in enumerate(commits):
        if commit is not None and commit.id not in found:
            author = commit.author
            name, email = (author.name or "", author.email or "") if author else ("", "")
            found[commit.id] = place, (commit.message or "", name, email, commit.timestamp)
    return found


def write(lists: Sequence[tuple[int, Listed]]) -> tuple[dict[row_sets.Row, int], list[int]]:
    """Write lists of commits, each with the primary key of its repository.

    Return the primary keys of all, and how many of each list were new. Call in a transaction.
    """
    rows: dict[row_sets.Row, row_sets.Row] = {}
    for repository, commits in lists:
        for sha, (_, details) in commits.items():
            key = (repository, sha)
            if key not in rows:
                rows[key] = (*key, *details)
    known, new = bulk.find_or_insert(Commit, KEY, (*KEY, *DETAILS), rows)
    counts = []
    for repository, commits in lists:
        own = new.intersection([(repository, sha) for sha in commits])
        new -= own
        counts.append(len(own))
    return known, counts


@transaction.atomic
def _write(lists: Sequence[tuple[int, Listed]]) -> list[int]:
    return write(lists)[1]


_coalesced = Coalescer(_write, rows=lambda one: len(one[1]))


async def observe(repository: int, commits: Iterable[PushedCommit]) -> int:
    """Write commits that GitHub's API lists; return how many were not stored before."""
    return await _coalesced((repository, listed(commits)))
