"""The base of the records that people list by repository and time."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from records.repositories import Repository


class Activity(models.Model):
    """Add a repository and `updated_at`, with the index that lists by both use."""

    repository = models.ForeignKey(Repository, models.CASCADE, db_index=False)
    updated_at = models.DateTimeField(null=True, help_text="GitHub's, of the snapshot that is stored")

    class Meta:
        abstract = True
        indexes: ClassVar = [models.Index(fields=["repository", "updated_at"], name="%(class)s_updated")]
