"""Finds the end of a value that came and went within one second.

`closed` and `reopened` of one second arrive in any order, and neither payload shows which was first. A value
that was added and removed, or replaced and restored, is at its end as it was before. So a row keeps, beside
the changes of its second, which of their values the newest snapshot before that second had.
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


def before(row: Row, snapshot: Snapshot, tracked: Iterable[str]) -> dict[str, Any]:
    """Return the start of `changes` for an action that begins a second, from the row before it."""
    marks = snapshot.gained | snapshot.lost
    return _began(row, marks.difference(*snapshot.moves), tracked) if marks else {}


def recalled(stored: Row, snapshot: Snapshot, tracked: Iterable[str]) -> dict[str, Any]:
    """Return `changes` of a row after a snapshot from before its second has arrived."""
    known = stored["changes"]
    marks = frozenset((*known.get("gained", ()), *known.get("lost", ())))
    changed = marks.difference(*known.get("moves", ()))
    began = _began(snapshot.fields, changed, tracked) if changed else {}
    return {**known, **began} if began.get("began_at", "") > known.get("began_at", "") else {**known}


def _began(row: Row, changed: frozenset[str], tracked: Iterable[str]) -> dict[str, Any]:
    """Return which of the values that actions added or replaced a row has, and whether it is open or closed.

    A closing and a reopening may follow any action. An edit of a text names the text before it itself.
    """
    if row.get("updated_at") is None:
        return {}
    state = {mark("state", row["state"])} if "state" in tracked and row.get("state") else frozenset()
    marks = sorted(changed | state)
    had = {
        mark(field, one)
        for field in {one.partition(":")[0] for one in marks}.intersection(tracked)
        for one in _values(row.get(field))
    }
    began = {one: one in had for one in marks}
    return {"began": began, "began_at": row["updated_at"].astimezone(UTC).isoformat()} if began else {}


def _values(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else (value,)


def net(known: Any) -> tuple[frozenset[str], frozenset[str]]:
    """Return the marks that the actions of a second added and removed on the whole."""
    gained, lost = frozenset(known.get("gained", ())), frozenset(known.get("lost", ()))
    began = {one: there for one, there in known.get("began", {}).items() if one in gained & lost}
    added = {one for one, there in began.items() if there}
    return gained - lost | added, lost - gained | (began.keys() - added)


def returned(stored: Row, snapshot: Snapshot, field: str, value: Any) -> bool | None:
    """Return whether a value differs from the end of a field that came and went in the second of `stored`.

    `value` is the snapshot's. None if the actions of the second leave it open.
    """
    known = stored["changes"]
    began = {one: there for one, there in known.get("began", {}).items() if one.startswith(f"{field}:")}
    if not began:
        return None
    lost = snapshot.lost.union(known["lost"])
    if isinstance(value, list):
        shown = {mark(field, one) for one in value}
        both = lost & snapshot.gained.union(known["gained"])
        return any((one in shown) != there for one, there in began.items() if one in both) or None
    now, new = mark(field, stored[field]), mark(field, value)
    if not {now, new} <= lost or began.keys().isdisjoint({now, new}):
        return None
    return began[now] if now in began else not began[new]
