"""What the actions of one second changed, which tells their snapshots apart where the times cannot.

`labeled` names the label that it added, and `edited` the text that it replaced. A snapshot of the same second
that lacks the one, or still shows the other, is from before that action. The texts between are not kept:
three edits of one text in one second may end on an earlier one when they are delivered in another order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from records.merging import Row, Snapshot

if TYPE_CHECKING:
    from schemas import Former, Milestone

Changes = Mapping[str, Sequence[str]]
"""`gained` and `lost`, as a column keeps them: what the actions of the row's second added and replaced."""

# Marks of one second that a row keeps; a burst beyond it is ordered by arrival.
KEPT = 200


# What a field was before an action that says so by its name.
FORMER: Mapping[str, tuple[str, object]] = {
    "locked": ("locked", False),
    "unlocked": ("locked", True),
    "milestoned": ("milestone", ""),
    "ready_for_review": ("draft", True),
    "converted_to_draft": ("draft", False),
}


def mark(field: str, value: object) -> str:
    """Return a short name for a value of a field: texts are long, and only their equality counts."""
    return f"{field}:{blake2b(str(value).encode(), digest_size=9).hexdigest()}"


def added(action: str, verb: str, field: str, part: object, name: str) -> dict[str, frozenset[str]]:
    """Return what `verb` or its reverse did to a list, as fields of `Snapshot`: `labeled` and `unlabeled`.

    `part` is what was added or taken away, called by its attribute `name`; None when nothing tells it.
    """
    value = getattr(part, name, None)
    reverse = "review_request_removed" if verb == "review_requested" else f"un{verb}"
    if value is None or action not in {verb, reverse}:
        return {}
    return {"gained" if action == verb else "lost": frozenset({mark(field, value)})}


def turned(action: str) -> dict[str, frozenset[str]]:
    """Return what the action replaced by its very name, as fields of `Snapshot`."""
    return {"lost": frozenset({mark(*FORMER[action])})} if action in FORMER else {}


def demilestoned(action: str, milestone: Milestone | None) -> dict[str, frozenset[str]]:
    """Return the milestone that `demilestoned` took away, as fields of `Snapshot`."""
    if action != "demilestoned" or milestone is None:
        return {}
    return {"lost": frozenset({mark("milestone", milestone.title)})}


def replaced(field: str, former: Former | str | None, now: str) -> dict[str, frozenset[str]]:
    """Return the replacement of a text, as fields of `Snapshot`."""
    before = former if former is None or isinstance(former, str) else former.from_
    if before is None or before == now:
        return {}
    return {"lost": frozenset({mark(field, before)})}


def together(*parts: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """Return several changes of one action as one."""
    return {
        name: frozenset().union(*(part[name] for part in parts if name in part))
        for name in {name for part in parts for name in part}
    }


def edited(former: object, now: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Return the replacement of several texts: `former` is `changes`, with an attribute for each of `now`."""
    return together(*(replaced(field, getattr(former, field, None), text) for field, text in now.items()))


def is_older(stored: Row, snapshot: Snapshot, tracked: Iterable[str]) -> bool:
    """Return whether a snapshot of the stored row's second is from before an action that is merged."""
    gained, lost = _read(stored["changes"])
    # What was both added and taken away in one second tells nothing.
    gained, lost = gained - lost, lost - gained
    for field in tracked:
        value = snapshot.fields.get(field)
        if isinstance(value, list):
            shown = {mark(field, one) for one in value}
            lacking = {one for one in gained - snapshot.lost - shown if one.startswith(f"{field}:")}
            if lacking or (lost - snapshot.gained) & shown:
                return True
        # Texts that replaced each other tell nothing either.
        elif value is not None and value != stored[field] and mark(field, value) in lost:
            if mark(field, stored[field]) in snapshot.lost:
                continue
            return True
    return False


def union(stored: Any, snapshot: Snapshot) -> dict[str, list[str]]:
    """Return the changes of a second with those of one more snapshot."""
    gained, lost = _read(stored)
    return {"gained": sorted(gained | snapshot.gained)[:KEPT], "lost": sorted(lost | snapshot.lost)[:KEPT]}


def _read(stored: Any) -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(stored.get("gained", ())), frozenset(stored.get("lost", ()))
