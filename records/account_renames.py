"""Renames of accounts. GitHub sends no `repository` event for one, and `updated_at` of repositories stays.

A late payload still has the old login, and may be the first payload of its repository. So renames are stored,
and each name that is new to a row is looked up in them.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import ClassVar

from django.db import models

from database import bulk

# Renames of one account that are followed in a chain; it bounds the queries.
MAX_RENAMES = 10


class AccountRename(models.Model):
    """One rename of an organisation or a user, from an `organization` or `installation_target` event."""

    server = models.CharField(max_length=253, help_text="host, as in github.com")
    former_login = models.TextField()
    login = models.TextField()
    told_at = models.DateTimeField(help_text="time of receipt: GitHub sends none")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["server", "former_login", "login"], name="account_rename")
        ]

    def __str__(self) -> str:
        return f"{self.former_login} is {self.login}"


Named = tuple[str, str, datetime | None]
"""A server, a login on it, and the time (GitHub's) of the snapshot that shows it."""


def present(shown: Collection[Named]) -> dict[Named, tuple[str, datetime]]:
    """Return the current login and its time of receipt, for each account renamed after its snapshot."""
    found: dict[Named, tuple[str, datetime]] = {}
    asked = {one: one[1] for one in shown}
    for _ in range(MAX_RENAMES):
        keys = sorted({(server, login) for (server, _, _), login in asked.items()})
        renames: dict[tuple[str, str], list[tuple[datetime, str]]] = {}
        for server, former, login, told_at in bulk.select(
            AccountRename,
            ("server", "former_login"),
            keys,
            ("server", "former_login", "login", "told_at"),
        ):
            renames.setdefault((server, former), []).append((told_at, login))
        following = {}
        for one, login in asked.items():
            server, _, at = one
            since = found[one][1] if one in found else at
            # Another account may take a free login. Its repositories are then newer than the rename.
            later = [
                (told_at, now)
                for told_at, now in renames.get((server, login), ())
                if since is None or (told_at > since if one in found else told_at >= since)
            ]
            if later:
                told_at, now = min(later)
                found[one], following[one] = (now, told_at), now
        if not following:
            break
        asked = following
    return found
