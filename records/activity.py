"""The base of records that are listed by repository and time."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from records.repositories import Repository


class Activity(models.Model):
    """Adds `repository`, `updated_at` and an index over both."""

    repository = models.ForeignKey(Repository, models.CASCADE, db_index=False)
    updated_at = models.DateTimeField(null=True, help_text="GitHub's, of the snapshot that is stored")

    class Meta:
        abstract = True
        indexes: ClassVar = [models.Index(fields=["repository", "updated_at"], name="%(class)s_updated")]
