"""Branches and tags, and where the newest push left each."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from records.merging import Row, Watermark
from records.repositories import Repository
from records.snapshots import Snapshots


class Ref(models.Model):
    """A branch or a tag, as the newest push left it, though older ones may arrive later.

    Of two pushes of one second, the one that began where the other ended is the newer.
    """

    repository = models.ForeignKey(Repository, models.CASCADE, related_name="refs", db_index=False)
    name = models.TextField(help_text="in full, as in refs/heads/main")
    head_sha = models.CharField(max_length=64, help_text="`after` of the last push: zeros when deleted")
    previous_sha = models.CharField(max_length=64, help_text="`before` of the last push: zeros when created")
    deleted = models.BooleanField(default=False)
    last_push = models.ForeignKey("records.Push", models.SET_NULL, null=True, related_name="+")
    pushed_at = models.DateTimeField(help_text="time of the last push")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["repository", "name"], name="ref_name")]

    def __str__(self) -> str:
        return self.name


def _watermark(row: Row) -> Watermark:
    return Watermark(row["pushed_at"], value=row["head_sha"], replaced=row["previous_sha"])


SNAPSHOTS = Snapshots(Ref, ("repository_id", "name"), _watermark)
