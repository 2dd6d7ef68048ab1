"""The base of associations of an account, which can end and begin again."""

from __future__ import annotations

from django.db import models

from records.merging import Row, Watermark

# The action that leaves an end, by its name in `records.rules`.
BEGINS_AGAIN = "reopened"


class Association(models.Model):
    """An account, and whether its association has ended."""

    user_id = models.BigIntegerField(help_text="GitHub's, which stays when the login changes")
    login = models.TextField()
    removed = models.BooleanField(default=False)

    class Meta:
        abstract = True


def watermark(row: Row) -> Watermark:
    """Return the watermark: at one time, only an action that begins the association leaves `removed`."""
    return Watermark(row.get("updated_at"), ended=row["removed"])
