"""Finds the end of a value that came and went within one second.

`closed` and `reopened` of one second arrive in any order, and neither payload shows which was first. A value
that was added and removed, or replaced and restored, is at its end as it was before. So a row keeps, beside
the changes of its second, the values that the newest snapshot before that second had.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from hashlib import blake2b
from typing import Any

from records.merging import Row, Snapshot


def mark(field: str, value: object) -> str:
    """Return a hash of a value of a field: texts are long, and only their equality matters."""
    return f"{field}:{blake2b(str(value).encode(), digest_size=9).hexdigest()}"


# Fields that actions change and change back. Texts are not among them: an edit names the text before it.
REVERSIBLE = frozenset(
    {
        "state", "labels", "assignees", "requested_reviewers", "requested_teams", "milestone", "locked",
        "draft", "answer_chosen_by", "permission", "private", "archived",
    }
)  # fmt: skip


def before(row: Row, snapshot: Snapshot, tracked: Iterable[str]) -> dict[str, Any]:
    """Return the start of `changes` for an action that begins a second, from the row before it."""
    return _began(row, tracked) if snapshot.action else {}


def recalled(stored: Row, snapshot: Snapshot, tracked: Iterable[str]) -> dict[str, Any]:
    """Return `changes` of a row after a snapshot from before its second has arrived."""
    known = stored["changes"]
    marks = frozenset((*known.get("gained", ()), *known.get("lost", ())))
    began = _began(snapshot.fields, tracked) if marks.difference(*known.get("moves", ())) else {}
    return {**known, **began} if began.get("began_at", "") > known.get("began_at", "") else {**known}


def _began(row: Row, tracked: Iterable[str]) -> dict[str, Any]:
    """Return the values of a row that later actions may reverse, with its time."""
    began = {field: row[field] for field in tracked if field in REVERSIBLE and field in row}
    if row.get("updated_at") is None or not began:
        return {}
    return {"began": began, "began_at": row["updated_at"].astimezone(UTC).isoformat()}


def _marks(field: str, value: Any) -> frozenset[str]:
    return frozenset(mark(field, one) for one in (value if isinstance(value, list) else (value,)))


def net(known: Any) -> tuple[frozenset[str], frozenset[str]]:
    """Return the marks that the actions of a second added and removed on the whole."""
    gained, lost = frozenset(known.get("gained", ())), frozenset(known.get("lost", ()))
    added, removed = gained - lost, lost - gained
    for field, value in known.get("began", {}).items():
        had, left = _marks(field, value), {one for one in lost if one.startswith(f"{field}:")}
        if isinstance(value, list):
            both = left & gained
            added, removed = added | (both & had), removed | (both - had)
        elif value in {True, False, ""} and len(left) > 1:  # both values of a switch, or a milestone and none
            removed -= had
    return added, removed


def returned(stored: Row, snapshot: Snapshot, field: str, value: Any) -> bool | None:
    """Return whether a value differs from the end of a field that came and went in the second of `stored`.

    `value` is the snapshot's. None if the actions of the second leave it open.
    """
    known = stored["changes"]
    if field not in known.get("began", {}):
        return None
    began, lost = known["began"][field], snapshot.lost.union(known.get("lost", ()))
    if isinstance(value, list):
        both = lost & snapshot.gained.union(known.get("gained", ()))
        return bool(both & (_marks(field, value) ^ _marks(field, began))) or None
    if not {mark(field, stored[field]), mark(field, value)} <= lost or began not in (stored[field], value):
        return None
    return bool(began != value)
