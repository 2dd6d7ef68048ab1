"""The merge rules of most kinds of records."""

from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType

from records import changes
from records.merging import Decision, Row, Snapshot, Watermark, decide

ENDED = "completed"

Merge = Callable[[Row | None, Snapshot, Row], Row]
"""Return the row after a snapshot, from the stored row and a blank one; an equal row if nothing changes."""


def newest(row: Row) -> Watermark:
    """Return the watermark of most kinds: `updated_at`, and `deleted` if the kind has it."""
    return Watermark(row["updated_at"], deleted=row.get("deleted", False))


def progress(row: Row) -> Watermark:
    """Return the watermark of runs, which end."""
    return Watermark(row["updated_at"], ended=row["status"] == ENDED)


def by_watermark(
    watermark: Callable[[Row], Watermark] = newest,
    side_fields: Mapping[str, str] = MappingProxyType({}),
    tracked: Collection[str] = (),
    follows: Mapping[str, str] = MappingProxyType({}),
) -> Merge:
    """Return the rule that compares watermarks.

    `side_fields` maps a field that only some payloads contain to the field of its own time or ascending id,
    which alone decides whether the value is replaced. So a value that only an older payload contains is kept.
    `tracked` are fields whose changes order the snapshots of one second; the row keeps them in `changes`.
    `follows` maps a field to the tracked one that it belongs to, such as the time of a state.
    """
    separate = {*side_fields, *side_fields.values()}

    def merge(stored: Row | None, snapshot: Snapshot, blank: Row) -> Row:
        fields = snapshot.fields
        acts = bool(tracked and (snapshot.first or snapshot.gained or snapshot.lost))
        new = bool(tracked and snapshot.second_over and stored and not changes.is_second_over(stored))
        if stored is not None and not acts and not new and {**stored, **fields} == stored:  # the common case
            return stored
        decision = judge(stored, snapshot, blank, watermark)
        now = dict(blank if stored is None else stored)
        tied = stored is not None and stored.get("updated_at") == fields.get("updated_at")
        kept = separate
        if tracked:
            if stored is not None and tied:
                snapshot = changes.named(stored, snapshot)
                if changes.is_repeated(stored, snapshot):
                    return stored
                decision, outdated = _within_a_second(stored, snapshot, blank, watermark, decision, tracked)
                kept = separate | outdated
            now["changes"] = changes.after(stored, snapshot, tracked, tied, decision)
        if decision is not Decision.KEEP:
            now |= {name: value for name, value in fields.items() if name not in kept}
        for name, time in side_fields.items():
            if name in fields and decide(Watermark(now[time]), Watermark(fields[time])) is Decision.APPLY:
                now |= {name: fields[name], time: fields[time]}
        if stored is None or not (tied or (decision is Decision.KEEP and now != stored)) or not tracked:
            return now
        ended = changes.completed(stored, snapshot, now, tracked, tied=tied)
        return _together(stored, fields, ended, follows)

    return merge


def _together(stored: Row, fields: Row, now: Row, follows: Mapping[str, str]) -> Row:
    """Return `now`, with each field of `follows` from where its tracked field is from."""
    found = {
        name: (fields if now[leader] == fields[leader] else stored)[name]
        for name, leader in follows.items()
        if name in fields and leader in fields and fields[leader] != stored[leader]
    }
    return {**now, **found} if found else now


def _within_a_second(
    stored: Row,
    snapshot: Snapshot,
    blank: Row,
    watermark: Callable[[Row], Watermark],
    decision: Decision,
    tracked: Collection[str],
) -> tuple[Decision, frozenset[str]]:
    """Return the decision about a snapshot of the same second, after that by the watermarks.

    Also return the fields in which the row is newer though the snapshot is applied.

    The end of a second, as the API showed it later, replaces every delivery of that second and is replaced by
    none. A snapshot that the API showed within its second has no known place in it, and the delivery of what
    it shows is under way.
    """
    incoming, before = watermark({**blank, **snapshot.fields}), watermark(stored)
    if decision is Decision.TOMBSTONE or before.deleted:
        return decision, frozenset()
    if snapshot.second_over is not None or changes.is_second_over(stored):
        if incoming.terminal != before.terminal:
            return decision, frozenset()
        return Decision.APPLY if snapshot.second_over else Decision.KEEP, frozenset()
    outdated = changes.outdated(stored, snapshot, tracked)
    if (incoming.terminal, incoming.ended) == (before.terminal, before.ended):
        return Decision.KEEP if outdated else decision, frozenset()
    # The ended one is newer in its state. The actions decide which is newer in the other fields.
    return Decision.KEEP if "state" in outdated else decision, outdated


def judge(
    stored: Row | None, snapshot: Snapshot, blank: Row, watermark: Callable[[Row], Watermark]
) -> Decision:
    """Return the decision about a snapshot, by the watermarks of both rows and the snapshot's action."""
    mark = watermark({**blank, **snapshot.fields})
    incoming = Watermark(
        mark.updated_at, mark.terminal, mark.deleted, mark.ended,
        first=snapshot.first, reopens=snapshot.action == "reopened",
    )  # fmt: skip
    return decide(None if stored is None else watermark(stored), incoming)


def fold(
    stored: Row | None, snapshots: Iterable[Snapshot], blank: Row, merge: Merge
) -> tuple[Row, list[Decision]]:
    """Merge snapshots of one record in the order given; return the row after all, and a decision for each.

    A snapshot that changes no field but `changes` has the decision KEEP. If none changes any, the row is
    `stored` itself.
    """
    row, decisions = stored, []
    for snapshot in snapshots:
        now = merge(row, snapshot, blank)
        if now is row or now == row:
            decisions.append(Decision.KEEP)
            continue
        gone = now.get("deleted", False) and not (row or blank).get("deleted", False)
        seen = row is None or any(now[name] != row[name] for name in now if name != "changes")
        decisions.append(Decision.TOMBSTONE if gone else Decision.APPLY if seen else Decision.KEEP)
        row = now
    return blank if row is None else row, decisions
