"""Decides whether a snapshot replaces the stored row: any order of deliveries leads to the same rows. Pure.

GitHub delivers late, twice and out of order. A snapshot that is older than the stored one is not applied,
merged is terminal, and a deleted record stays deleted. GitHub's times have a granularity of one second.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

Row = Mapping[str, Any]


class Decision(Enum):
    """The result of the comparison with the stored row. Its values are words of the log."""

    APPLY = "written"
    KEEP = "unchanged"
    TOMBSTONE = "deleted"


class Snapshot(NamedTuple):
    """A record as one payload shows it, with the parts of the action that order it."""

    fields: Row
    """Fields that the payload lacks are left out."""
    action: str = ""
    first: bool = False
    """The action can only be the first of its kind, such as `opened`: any stored row is newer."""
    gained: frozenset[str] = frozenset()
    """Marks of the values that the action added: see `records.changes`."""
    lost: frozenset[str] = frozenset()
    """Marks of the values that it replaced or removed."""
    moves: frozenset[tuple[str, str]] = frozenset()
    """Marks of texts that it replaced, each with the mark of the text after it."""
    second_over: bool | None = None
    """None for a delivery. For an answer of GitHub's API: whether the second of its `updated_at` was over, so
    that no other snapshot of that second is newer."""


class Watermark(NamedTuple):
    """The position of a snapshot in the history of its record."""

    updated_at: datetime | None
    """GitHub's; None is before all times."""
    terminal: bool = False
    """A state that is never left, at any time: merged."""
    deleted: bool = False
    """Never left either, and applied at any time."""
    ended: bool = False
    """Closed or completed: a newer snapshot leaves it, but none of its own second."""
    first: bool = False
    reopens: bool = False
    """Leaves an end of its own second too."""


def decide(stored: Watermark | None, incoming: Watermark) -> Decision:
    """Return whether the incoming snapshot replaces the stored one.

    Of two snapshots of one second, the later arrival wins unless it would leave an end. A deletion is always
    applied, and no snapshot reverts it.
    """
    if stored is not None and stored.deleted:
        return Decision.KEEP
    if incoming.deleted:
        return Decision.TOMBSTONE
    if stored is None:
        return Decision.APPLY
    if incoming.first:
        return Decision.KEEP
    if incoming.terminal != stored.terminal:
        return Decision.APPLY if incoming.terminal else Decision.KEEP
    return Decision.APPLY if _is_newer(incoming, stored) else Decision.KEEP


def _is_newer(incoming: Watermark, stored: Watermark) -> bool:
    if incoming.updated_at == stored.updated_at:
        return incoming.ended or not stored.ended or incoming.reopens
    if incoming.updated_at is None or stored.updated_at is None:
        return stored.updated_at is None
    return incoming.updated_at > stored.updated_at
