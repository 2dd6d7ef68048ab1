"""One rule for all snapshots, pure: what to do with what a delivery says, given what is stored.

GitHub sends late, twice and out of order. A snapshot that is older than the stored one is kept out, merged
is terminal, and what was deleted stays deleted.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

Row = Mapping[str, Any]


class Decision(Enum):
    """What becomes of an incoming snapshot."""

    APPLY = "apply"
    KEEP = "keep"
    TOMBSTONE = "tombstone"


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far a record has come."""

    updated_at: datetime | None
    """GitHub's, of one-second granularity; None is before all."""
    terminal: bool = False
    deleted: bool = False
    value: str = ""
    """What moves, such as the sha of a branch, where moves of one second can be told apart by it."""
    replaced: str = ""
    """The value before it, as far as it is known."""


def decide(stored: Watermark | None, incoming: Watermark) -> Decision:
    """Whether the incoming snapshot replaces the stored one.

    Between equals the one that arrives later wins, unless it would leave a terminal state, or shows the
    value that the stored one replaced. A deletion is applied whenever it arrives, and nothing revives what
    it left.
    """
    if stored is not None and stored.deleted:
        return Decision.KEEP
    if incoming.deleted:
        return Decision.TOMBSTONE
    if stored is None or (incoming.terminal and not stored.terminal):
        return Decision.APPLY
    if stored.terminal and not incoming.terminal:
        return Decision.KEEP
    return Decision.APPLY if _is_newer(incoming, stored) else Decision.KEEP


def _is_newer(incoming: Watermark, stored: Watermark) -> bool:
    if incoming.updated_at == stored.updated_at:
        came_from = bool(stored.replaced) and incoming.value == stored.replaced
        # When each came from the other nobody knows.
        return not came_from or incoming.replaced == stored.value
    if incoming.updated_at is None or stored.updated_at is None:
        return stored.updated_at is None
    return incoming.updated_at > stored.updated_at


def fold(
    stored: Row | None,
    told: Iterable[Row],
    blank: Row,
    watermark: Callable[[Row], Watermark],
    aside: Mapping[str, str],
) -> tuple[Row, list[Decision]]:
    """Take in snapshots of one record, in the order given; gives the record's end and a decision for each.

    A snapshot may leave fields out: they stay as they are, or as in `blank` when nothing is stored. One
    that changes nothing is kept out, and the end is `stored` itself when nothing was taken in. `aside` are
    fields that only some payloads tell, with the fields of the time when each was told, which alone decides
    about them: what an older payload alone tells is not lost.
    """
    row, decisions = stored, []
    apart = {*aside, *aside.values()}
    for snapshot in told:
        if row is not None and {**row, **snapshot} == row:  # as nearly all of a busy repository are
            decisions.append(Decision.KEEP)
            continue
        decision = decide(None if row is None else watermark(row), watermark({**blank, **snapshot}))
        now = {**(blank if row is None else row)}
        if decision is not Decision.KEEP:
            now |= {name: value for name, value in snapshot.items() if name not in apart}
        for name, time in aside.items():
            if name in snapshot and decide(Watermark(now[time]), Watermark(snapshot[time])) is Decision.APPLY:
                now |= {name: snapshot[name], time: snapshot[time]}
        if now == row:
            decision = Decision.KEEP
        else:
            row = now
            decision = Decision.APPLY if decision is Decision.KEEP else decision
        decisions.append(decision)
    return blank if row is None else row, decisions


ENDED = "completed"
UNDER_WAY = "under way"


def progress(row: Row) -> Watermark:
    """Return the watermark of what runs and ends: of two snapshots of one second, the end is the newer.

    The end is not terminal, for an app may take its check up again, and a run may have waited for approval.
    """
    if row["status"] == ENDED:
        return Watermark(row["updated_at"], value=ENDED, replaced=UNDER_WAY)
    return Watermark(row["updated_at"], value=UNDER_WAY)
