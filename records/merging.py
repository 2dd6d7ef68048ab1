"""How a snapshot merges with the stored row, pure: the same rows in whatever order GitHub's deliveries come.

GitHub sends late, twice and out of order. A snapshot that is older than the stored one is kept out, merged is
terminal, and what was deleted stays deleted. GitHub's times have a granularity of one second.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

Row = Mapping[str, Any]


class Decision(Enum):
    """What becomes of an incoming snapshot."""

    APPLY = "apply"
    KEEP = "keep"
    TOMBSTONE = "tombstone"


class Snapshot(NamedTuple):
    """A record as one payload shows it, and what the payload's action tells of its place in time."""

    fields: Row
    """A field that the payload does not tell is left out."""
    action: str = ""
    first: bool = False
    """The action can only be the first of its kind, such as `opened`: whatever is stored is newer."""
    gained: frozenset[str] = frozenset()
    """What the action added, as `records.changes` writes it."""
    lost: frozenset[str] = frozenset()
    """What it replaced or took away."""


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far a record has come."""

    updated_at: datetime | None
    """GitHub's; None is before all."""
    terminal: bool = False
    """Never left, whatever the times say: merged."""
    deleted: bool = False
    """Never left either, and reached whatever the times say."""
    ended: bool = False
    """Closed, completed: left by a newer snapshot, but not within its second."""
    ended_at: datetime | None = None
    """GitHub's, where it tells one: an end of an earlier second is left within this one."""
    first: bool = False
    reopens: bool = False


def decide(stored: Watermark | None, incoming: Watermark) -> Decision:
    """Return whether the incoming snapshot replaces the stored one.

    Of two of one second the later arrival wins, unless it would leave an end. A deletion is applied whenever
    it arrives, and nothing revives what it left.
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
        return leaves_an_end(incoming, stored) is not True
    if incoming.updated_at is None or stored.updated_at is None:
        return stored.updated_at is None
    return incoming.updated_at > stored.updated_at


def leaves_an_end(incoming: Watermark, stored: Watermark) -> bool | None:
    """Return whether the incoming of two snapshots of one second is from before the end; None if neither is.

    An end that is older than their second was left within it: the one that shows no end is the later.
    """
    if incoming.ended == stored.ended:
        return None
    ended = incoming if incoming.ended else stored
    earlier = (
        ended.ended_at is not None and ended.updated_at is not None and ended.ended_at < ended.updated_at
    )
    if stored.ended:
        return not (incoming.reopens or earlier)
    return earlier
