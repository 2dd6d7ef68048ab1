"""One rule for all snapshots, pure: what to do with what a delivery says, given what is stored.

GitHub sends late, twice and out of order. A snapshot that is older than the stored one is kept out, merged
is terminal, and what was deleted stays deleted.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Decision(Enum):
    """What becomes of an incoming snapshot."""

    APPLY = "apply"
    KEEP = "keep"
    TOMBSTONE = "tombstone"


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far a record has come. `updated_at` is GitHub's, of one-second granularity; None is before all."""

    updated_at: datetime | None
    terminal: bool = False
    deleted: bool = False


def decide(stored: Watermark | None, incoming: Watermark) -> Decision:
    """Whether the incoming snapshot replaces the stored one.

    Between equals the one that arrives later wins, unless it would leave a terminal state. A deletion is
    applied whenever it arrives, and nothing revives what it left.
    """
    if stored is not None and stored.deleted:
        return Decision.KEEP
    if incoming.deleted:
        return Decision.TOMBSTONE
    if stored is None:
        return Decision.APPLY
    if stored.terminal != incoming.terminal:
        return Decision.APPLY if incoming.terminal else Decision.KEEP
    if stored.updated_at is None:
        return Decision.APPLY
    older = incoming.updated_at is None or incoming.updated_at < stored.updated_at
    return Decision.KEEP if older else Decision.APPLY
