"""Finds the present and the former name of a repository from its payloads.

The former name is one that a payload showed. If no payload did, it is composed from `changes`, which contains
the owner or the name alone: for a transfer with a new name, neither event contains both.
"""

from datetime import datetime
from typing import Any

from records.account_renames import Present
from records.merging import Row


def is_former(stored: Row, name: str, at: datetime | None) -> bool:
    """Return whether a payload with this name is older than the stored rename."""
    renamed_at = stored["renamed_at"]
    return (
        name == stored["previous_full_name"] and renamed_at is not None and (at is None or at <= renamed_at)
    )


FIELDS = ("full_name", "previous_full_name", "previous_seen_at", "renamed_at")


def parts(full_name: str) -> tuple[str, str]:
    """Return the login of the owner, and the name without it."""
    owner, _, name = full_name.partition("/")
    return owner, name


def whole(owner: str, name: str) -> str:
    """Return the full name: the reverse of `parts`."""
    return f"{owner}/{name}" if name else owner


def owner(full_name: str) -> str:
    """Return the login before the slash."""
    return parts(full_name)[0]


def of_renamed_owner(row: Row, present: Present) -> dict[str, Any]:
    """Return `FIELDS` of a repository after the renames of its owner."""
    name = row["full_name"].partition("/")[2]
    values = (f"{present.login}/{name}", f"{present.former}/{name}", row["updated_at"], present.told_at)
    return dict(zip(FIELDS, values, strict=True))


def renamed(stored: Row, at: datetime | None, former: str) -> dict[str, Any]:
    """Return the fields of a row whose name a snapshot of the time `at` replaces; `former` is from `changes`.

    The rename of an account has the time of its receipt, which is later than that of snapshots before it and
    of some after it. A snapshot after it names the stored name as the former one.
    """
    if not stored["full_name"]:
        return {}  # no payload has shown a name
    since, seen_at = stored["renamed_at"], stored["updated_at"]
    if since is not None and at is not None and at < since and former != stored["full_name"]:
        return {"renamed_at": at}
    known = [time for time in (seen_at, since) if time is not None]
    return {
        "previous_full_name": stored["full_name"],
        "previous_seen_at": max(known, default=None),
        "renamed_at": at,
    }


def observed(row: Row, name: str, at: datetime | None) -> dict[str, Any]:
    """Return the fields that the name in a snapshot corrects, if it is not newer than the stored one."""
    if at is None:
        return {}
    seen_at, since = row["previous_seen_at"], row["renamed_at"]
    later = seen_at is None or at > seen_at
    if name == row["full_name"]:
        return {"renamed_at": at} if since is not None and at < since and later else {}
    if not later or (row["updated_at"] is not None and at > row["updated_at"]):
        return {}
    known = {"previous_full_name": name, "previous_seen_at": at}
    return known if since is not None else {**known, "renamed_at": row["updated_at"]}


def composed(row: Row, former: str, at: datetime | None) -> dict[str, Any]:
    """Return the fields for a former name from `changes`, if no payload has shown the former name."""
    previous = row["previous_full_name"]
    if not former or row["previous_seen_at"] is not None:
        return {}
    if previous and previous != former:
        # A later `renamed` than the first payload with the present name is the other half of the same change.
        if row["renamed_at"] != at and (at is None or row["renamed_at"] is None or at < row["renamed_at"]):
            return {}
        # Each event contains half of the change: use the half that differs from the present name.
        now, parts = row["full_name"].split("/"), zip(previous.split("/"), former.split("/"), strict=False)
        former = "/".join(
            one if one != here else other for here, (one, other) in zip(now, parts, strict=False)
        )
    return {"previous_full_name": former, "renamed_at": at}
