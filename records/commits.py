"""Commits. They are immutable and many, so they are inserted as rows without Django objects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from django.db import models

from database import bulk, row_sets
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
    committed_at = models.DateTimeField(null=True, help_text="null where nobody can read what git has")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "sha"], name="commit_repository_sha")
        ]

    def __str__(self) -> str:
        return self.sha


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
