"""Renames of accounts. GitHub sends no `repository` event for one, and `updated_at` of repositories stays.

A late payload still has the old login, and may be the first payload of its repository. So renames are stored,
and each login that is new to a row is looked up in them. The renames of one account are a chain in any order
of arrival; its end is the present login.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, ClassVar, NamedTuple

from django.db import models, transaction

import database
from database import bulk
from records import chains

# Renames of accounts without a stored id that are followed; it bounds the queries.
MAX_RENAMES = 10


class AccountRenameManager(models.Manager["AccountRename"]):
    """Writes `AccountRename` rows."""

    async def record(
        self, server: str, account_id: int | None, former: str, now: str, told_at: datetime
    ) -> None:
        """Store a rename with the time of its last receipt."""
        await database.run(_record, server, account_id, former, now, told_at)


class AccountRename(models.Model):
    """One rename of an organisation or a user, from an `organization` or `installation_target` event."""

    server = models.CharField(max_length=253, help_text="host, as in github.com")
    account_id = models.BigIntegerField(null=True, help_text="GitHub's, which stays; null if unknown")
    former_login = models.TextField()
    login = models.TextField()
    told_at = models.DateTimeField(help_text="time of receipt: GitHub sends none")

    objects: ClassVar = AccountRenameManager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["server", "former_login", "login"], name="account_rename")
        ]
        indexes: ClassVar = [models.Index(fields=["server", "account_id"], name="account_rename_account")]

    def __str__(self) -> str:
        return f"{self.former_login} is {self.login}"


class Shown(NamedTuple):
    """An account as a payload shows it."""

    server: str
    login: str
    at: datetime | None
    """GitHub's time of the payload, or that of its receipt if it has none."""
    account_id: int | None = None


class Present(NamedTuple):
    """The present login of an account, with its last rename."""

    login: str
    told_at: datetime
    former: str
    """The login before the last rename."""


_Rename = tuple[str, int | None, str, str, datetime]
_FIELDS = ("server", "account_id", "former_login", "login", "told_at")


@transaction.atomic
def _record(server: str, account_id: int | None, former: str, now: str, told_at: datetime) -> None:
    row, new = AccountRename.objects.get_or_create(
        server=server, former_login=former, login=now, defaults={"told_at": told_at, "account_id": account_id}
    )
    if not new and (row.told_at < told_at or row.account_id is None):
        row.told_at, row.account_id = max(row.told_at, told_at), account_id or row.account_id
        row.save()


async def correct(rows: models.QuerySet[Any], login: str, at: str) -> None:
    """Write the present logins of accounts to rows with a `server`.

    `login` is the field with the login, and `at` the one with the time of the payload that showed it.
    """
    await database.run(_correct, rows, login, at)


def _correct(rows: models.QuerySet[Any], login: str, at: str) -> None:
    shown = {pk: Shown(*values) for pk, *values in rows.values_list("pk", "server", login, at)}
    now = present(set(shown.values()))
    for pk, one in shown.items():
        if one in now:
            rows.filter(pk=pk).update(**{login: now[one].login})


async def correct_one(shown: Shown, written: str, rows: models.QuerySet[Any], login: str) -> None:
    """Correct a row just committed with a login, for a rename that was committed meanwhile."""
    now = await present_login(shown)
    if now != written:
        await database.run(rows.filter(**{login: written}).update, **{login: now})


async def present_login(shown: Shown) -> str:
    """Return the present login of an account; that of the payload if no later rename is known."""
    return await _present_login(shown)


def _present_logins(shown: Sequence[Shown]) -> list[str]:
    found = present(shown)
    return [found[one].login if one in found else one.login for one in shown]


# Coalesced, so that snapshots of one second are merged in the order in which they arrived.
_present_login = database.Coalescer(_present_logins)


def present(shown: Collection[Shown]) -> dict[Shown, Present]:
    """Return the present login of each account that was renamed after its payload (blocking)."""
    found: dict[Shown, Present] = {}
    identified = {one: (one.server, one.account_id) for one in shown if one.account_id}
    ends = _ends(identified.values())
    asked = {one: one.login for one in shown if identified.get(one) not in ends}
    for one, account in identified.items():
        if account in ends and one.login in ends[account][1]:
            found[one] = ends[account][0]
    for _ in range(MAX_RENAMES):
        following = _next(asked, found)
        if not following:
            break
        ends = _ends((one.server, rename[1]) for one, rename in following.items())
        asked = {}
        for one, (server, account_id, former, login, told_at) in following.items():
            if (server, account_id) in ends:
                found[one] = ends[server, account_id][0]
            else:
                found[one], asked[one] = Present(login, told_at, former), login
    return {one: now for one, now in found.items() if now.login != one.login}


def _next(asked: dict[Shown, str], found: dict[Shown, Present]) -> dict[Shown, _Rename]:
    """Return the first rename of each login after the payload, or after the rename that is known already."""
    keys = sorted({(one.server, login) for one, login in asked.items()})
    renames: dict[tuple[str, str], list[_Rename]] = {}
    for rename in bulk.select(AccountRename, ("server", "former_login"), keys, _FIELDS):
        renames.setdefault((rename[0], rename[2]), []).append(rename)
    following = {}
    for one, login in asked.items():
        known = found.get(one)
        # Another account may take a free login. Its repositories are then newer than the rename.
        later = [
            rename
            for rename in renames.get((one.server, login), ())
            if (rename[4] > known.told_at if known else one.at is None or rename[4] >= one.at)
        ]
        if later:
            following[one] = min(later, key=lambda rename: rename[4])
    return following


def _ends(
    accounts: Iterable[tuple[str, int | None]],
) -> dict[tuple[str, int | None], tuple[Present, frozenset[str]]]:
    """Return the end of the renames of each account that has any, and its former logins."""
    keys = sorted({account for account in accounts if account[1]})
    renames: dict[tuple[str, int | None], list[_Rename]] = {}
    for rename in bulk.select(AccountRename, ("server", "account_id"), keys, _FIELDS):
        renames.setdefault((rename[0], rename[1]), []).append(rename)
    found = {}
    for account, known in renames.items():
        newest = max(known, key=lambda rename: rename[4])
        ends = chains.ends([(former, login) for _, _, former, login, _ in known])
        # An account that got its first login back has no end: the receipt decides.
        end = min(ends) if len(ends) == 1 else newest[3]
        last = max((rename for rename in known if rename[3] == end), key=lambda rename: rename[4])
        formers = frozenset(former for _, _, former, _, _ in known)
        found[account] = (Present(end, newest[4], last[2]), formers)
    return found
