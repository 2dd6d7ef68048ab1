"""The rules by which the snapshots of most kinds are merged into their rows."""

from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType

from records import changes
from records.merging import Decision, Row, Snapshot, Watermark, decide, leaves_an_end

ENDED = "completed"

Merge = Callable[[Row | None, Snapshot, Row], Row]
"""Return the row after a snapshot, given the stored and a blank one: an equal row where nothing changes."""


def newest(row: Row) -> Watermark:
    """Return the watermark of most kinds: the newest `updated_at`, and `deleted` is final where it exists."""
    return Watermark(row["updated_at"], deleted=row.get("deleted", False))


def progress(row: Row) -> Watermark:
    """Return the watermark of what runs and ends."""
    return Watermark(row["updated_at"], ended=row["status"] == ENDED)


def by_watermark(
    watermark: Callable[[Row], Watermark] = newest,
    aside: Mapping[str, str] = MappingProxyType({}),
    tracked: Collection[str] = (),
) -> Merge:
    """Return the rule that compares watermarks.

    `aside` are fields that only some payloads tell, each with the field of the time when it was told, or of
    an ascending id, which alone decides about it: what an older payload alone tells is not lost. `tracked`
    are fields whose changes tell the snapshots of one second apart; the row keeps them in `changes`.
    """
    apart = {*aside, *aside.values()}

    def merge(stored: Row | None, snapshot: Snapshot, blank: Row) -> Row:
        told = snapshot.fields
        acts = bool(tracked and (snapshot.gained or snapshot.lost))
        if (
            stored is not None and not acts and {**stored, **told} == stored
        ):  # as nearly all of a busy repository
            return stored
        decision = judge(stored, snapshot, blank, watermark)
        now = dict(blank if stored is None else stored)
        if tracked:
            tied = stored is not None and stored.get("updated_at") == told.get("updated_at")
            if stored is not None and tied and decision is Decision.APPLY:
                same = leaves_an_end(watermark({**blank, **told}), watermark(stored)) is None
                if same and changes.is_older(stored, snapshot, tracked):
                    decision = Decision.KEEP
            if tied or decision is not Decision.KEEP:
                now["changes"] = changes.union(now["changes"] if tied else {}, snapshot)
        if decision is not Decision.KEEP:
            now |= {name: value for name, value in told.items() if name not in apart}
        for name, time in aside.items():
            if name in told and decide(Watermark(now[time]), Watermark(told[time])) is Decision.APPLY:
                now |= {name: told[name], time: told[time]}
        return now

    return merge


def judge(
    stored: Row | None, snapshot: Snapshot, blank: Row, watermark: Callable[[Row], Watermark]
) -> Decision:
    """Return the decision about a snapshot, by the watermarks of both rows and the snapshot's action."""
    mark = watermark({**blank, **snapshot.fields})
    incoming = Watermark(
        mark.updated_at, mark.terminal, mark.deleted, mark.ended, mark.ended_at,
        first=snapshot.first, reopens=snapshot.action == "reopened",
    )  # fmt: skip
    return decide(None if stored is None else watermark(stored), incoming)


def fold(
    stored: Row | None, told: Iterable[Snapshot], blank: Row, merge: Merge
) -> tuple[Row, list[Decision]]:
    """Merge snapshots of one record in the order given; return the row after all, and a decision for each.

    A snapshot that changes nothing is kept out; the row is `stored` itself when all were.
    """
    row, decisions = stored, []
    for snapshot in told:
        now = merge(row, snapshot, blank)
        if row is not None and now == row:
            decisions.append(Decision.KEEP)
            continue
        gone = now.get("deleted", False) and not (row or blank).get("deleted", False)
        decisions.append(Decision.TOMBSTONE if gone else Decision.APPLY)
        row = now
    return blank if row is None else row, decisions
