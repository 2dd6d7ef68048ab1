"""Finds the end of a value that came and went within one second.

`closed` and `reopened` of one second arrive in any order, and neither payload shows which was first. A value
that was added and removed, or replaced and restored, is at its end as it was before. So a row keeps, beside
the changes of its second, the values at the start of that second: those of the newest snapshot before it, or
of the first snapshot of its record.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, timedelta
from hashlib import blake2b
from typing import Any

from records.merging import Row, Snapshot


def mark(field: str, value: object) -> str:
    """Return a hash of a value of a field: texts are long, and only their equality matters."""
    return f"{field}:{blake2b(str(value).encode(), digest_size=9).hexdigest()}"


# Fields that a record begins without: its creation sends an action for each value, such as `labeled`.
ADDED = frozenset({"labels", "assignees", "requested_reviewers", "requested_teams", "milestone"})
# Fields that actions change and change back. All others are texts: an edit names the text before it.
REVERSIBLE = (ADDED - {"milestone"}) | {
    "state", "locked", "draft", "answer_chosen_by", "permission", "private", "archived"
}  # fmt: skip


def start(row: Row, tracked: Iterable[str], *, first: bool = False) -> dict[str, Any]:
    """Return the entries of `changes` for the start of a second: the values of `row`, texts as their marks.

    `row` is one from before that second, or the `first` of its record.
    """
    began = {field: _began(field, row[field], first=first) for field in tracked if field in row}
    if row.get("updated_at") is None or not began:
        return {}
    return {"began": began, "began_at": row["updated_at"].astimezone(UTC).isoformat()}


def _began(field: str, value: Any, *, first: bool) -> Any:
    value = type(value)() if first and field in ADDED else value
    return value if field in REVERSIBLE else mark(field, value)


def recalled(known: Row, earlier: Snapshot, tracked: Iterable[str]) -> dict[str, Any]:
    """Return `changes` of a row after a snapshot from before its second has arrived."""
    fields = earlier.fields
    if earlier.first and fields.get("updated_at"):  # any other snapshot of its time is newer
        fields = {**fields, "updated_at": fields["updated_at"] - timedelta.resolution}
    began = start(fields, tracked) if "lost" in known else {}
    return {**known, **began} if began.get("began_at", "") > known.get("began_at", "") else {**known}


def restored(row: Row) -> Row:
    """Return the row with its values that came and went as they were at the start of its second."""
    known, found = row["changes"], dict(row)
    gained, lost = frozenset(known.get("gained", ())), frozenset(known.get("lost", ()))
    for field, value in known.get("began", {}).items():
        if isinstance(value, list):
            both = {one for one in gained & lost if one.startswith(f"{field}:")}
            kept = [one for one in row[field] if one in value or mark(field, one) not in both]
            found[field] = [*kept, *(one for one in value if one not in kept and mark(field, one) in both)]
        elif field in REVERSIBLE:
            began = mark(field, value)
            if began in gained & lost or {mark(field, row[field]), began} <= lost:
                found[field] = value
    return found
