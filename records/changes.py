"""Orders snapshots of one second by the changes of their actions.

`labeled` names the added label, and `edited` the replaced text. A snapshot of the same second without the
label, or with the replaced text, is older than that action. The edits of one text are a chain, whose end is
the text. While an edit between is missing the chain has several ends, and the row keeps them all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from records import chains, reversals
from records.merging import Decision, Row, Snapshot
from records.reversals import mark

if TYPE_CHECKING:
    from schemas import Former, Milestone, Repository

Changes = Mapping[str, Sequence[str]]
"""`gained` and `lost`, as stored: the marks of values that actions of the row's second added and replaced.

`moves` are the marks of texts before and after an edit, `texts` the ends of chains beside the one in the row.
`began` holds the values at the start of that second, and `first` is true if the second began with the first
snapshot of the record: see `records.reversals`. `settled` is true once GitHub's API showed the row after that
second was over.
"""

# Entries that later snapshots of the same second keep. `pushed_at` is the last push of a deleted repository.
KEPT = ("texts", "first", "began", "began_at", "pushed_at")
# Marks of one second that a row stores. Beyond it, snapshots are ordered by arrival.
MAX_MARKS = 200
# Ends of chains that a row stores beside its own texts. A comment may have 64 KiB.
MAX_TEXTS = 20


# The former value of a field, for actions whose name implies it.
FORMER: Mapping[str, tuple[str, object]] = {
    "locked": ("locked", False),
    "unlocked": ("locked", True),
    "ready_for_review": ("draft", True),
    "converted_to_draft": ("draft", False),
    "closed": ("state", "open"),
    "reopened": ("state", "closed"),
    "archived": ("archived", False),
    "unarchived": ("archived", True),
    "privatized": ("private", False),
    "publicized": ("private", True),
    "published": ("draft", True),
    "unpublished": ("draft", False),
}


# Lists that an action removes a value from.
REMOVALS: Mapping[str, Collection[str]] = {
    "unlabeled": ("labels",),
    "unassigned": ("assignees",),
    "review_request_removed": ("requested_reviewers", "requested_teams"),
}


STATES: Mapping[str, str] = {"opened": "open", "reopened": "open", "closed": "closed"}
"""The state after an action, for a snapshot that has none."""


def state_after(action: str, shown: str | None) -> str | None:
    """Return the state after an action, from that in its snapshot; None if neither has one.

    GitHub may show the state before `closed`: https://github.com/rocq-prover/bot/issues/255. If it shows the
    state after a later `reopened`, that action has its own delivery.
    """
    return "closed" if (action, shown) == ("closed", "open") else shown or STATES.get(action)


def added(action: str, verb: str, field: str, part: object, name: str) -> dict[str, frozenset[str]]:
    """Return the change of a list by `verb` or its reverse, such as `labeled`, as fields of `Snapshot`.

    `part` was added or removed; its attribute `name` identifies it. It is None if the payload lacks it.
    """
    value = getattr(part, name, None)
    reverse = "review_request_removed" if verb == "review_requested" else f"un{verb}"
    if value is None or action not in {verb, reverse}:
        return {}
    return {"gained" if action == verb else "lost": frozenset({mark(field, value)})}


def implied(action: str) -> dict[str, frozenset[str]]:
    """Return the value that the action's name implies was replaced, as fields of `Snapshot`."""
    return {"lost": frozenset({mark(*FORMER[action])})} if action in FORMER else {}


def decided(action: str, fields: Row) -> Row:
    """Return the fields with the switch that the action turned, whatever its snapshot shows.

    GitHub may show the value before it, as for `closed`, and no other delivery reports the action.
    """
    field, former = FORMER.get(action, ("", None))
    return {**fields, field: not former} if isinstance(former, bool) else fields


def milestoned(
    action: str, milestone: Milestone | None, shown: Milestone | None
) -> dict[str, frozenset[Any]]:
    """Return the replacement of the milestone by `milestoned` or `demilestoned`, as fields of `Snapshot`.

    `milestone` is that of the action, and `shown` that of the snapshot. One that replaces another has both
    actions.
    """
    if action == "milestoned" and (now := milestone or shown):
        return replaced("milestone", "", now.title)
    return replaced("milestone", milestone.title, "") if action == "demilestoned" and milestone else {}


def replaced(field: str, former: Former | str | None, now: str) -> dict[str, frozenset[Any]]:
    """Return the replacement of a text, as fields of `Snapshot`."""
    before = former if former is None or isinstance(former, str) else former.from_
    if before is None or before == now:
        return {}
    lost = mark(field, before)
    return {"lost": frozenset({lost}), "moves": frozenset({(lost, mark(field, now))})}


def destination(repository: Repository | None, number: int) -> str:
    """Return the new place of a transferred issue or discussion, as `owner/name#number`; empty if unknown."""
    name = repository.full_name if repository else None
    return f"{name}#{number}" if name else ""


def named(stored: Row, snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with what its action removed from the row, if the payload does not name it.

    A label that was deleted is absent from `unlabeled`: https://github.com/octokit/webhooks/issues/639.
    """
    fields = snapshot.fields
    shown = [] if snapshot.lost else [name for name in REMOVALS.get(snapshot.action, ()) if name in fields]
    lost = [mark(name, one) for name in shown for one in stored[name] if one not in fields[name]]
    return snapshot._replace(lost=frozenset(lost)) if lost else snapshot


def together(*parts: Mapping[str, frozenset[Any]]) -> dict[str, frozenset[Any]]:
    """Return the union of several changes of one action."""
    return {
        name: frozenset().union(*(part[name] for part in parts if name in part))
        for name in {name for part in parts for name in part}
    }


def edited(former: object, now: Mapping[str, str]) -> dict[str, frozenset[Any]]:
    """Return the replacement of several texts: `former` is `changes`, with an attribute for each of `now`."""
    return together(*(replaced(field, getattr(former, field, None), text) for field, text in now.items()))


def outdated(stored: Row, snapshot: Snapshot, tracked: Iterable[str]) -> frozenset[str]:
    """Return the fields in which a snapshot is older than an action of the same second in the row."""
    found = set()
    gained, lost = _read(stored["changes"])
    # A value that was both added and removed in one second orders no snapshots: see `records.reversals`.
    gained, lost = gained - lost, lost - gained
    for field in tracked:
        value = snapshot.fields.get(field)
        if value is None or value == stored[field]:
            continue
        if isinstance(value, list):
            shown = {mark(field, one) for one in value}
            lacking = {one for one in gained - snapshot.lost - shown if one.startswith(f"{field}:")}
            older = bool(lacking or (lost - snapshot.gained) & shown)
        else:  # neither do texts that replaced each other
            older = (
                mark(field, value) in lost - snapshot.gained
                and mark(field, stored[field]) not in snapshot.lost
            )
        if older:
            found.add(field)
    return frozenset(found)


def is_repeated(stored: Row, snapshot: Snapshot) -> bool:
    """Return whether the row has the edits of a snapshot of the same second: a move counts once.

    Without a time, such as an organisation, an edit may happen again years later.
    """
    timed = snapshot.fields.get("updated_at") is not None
    known = {*map(tuple, stored["changes"].get("moves", ()))}
    return timed and bool(snapshot.moves) and snapshot.moves <= known


def after(
    stored: Row | None, snapshot: Snapshot, tracked: Collection[str], tied: bool, decision: Decision
) -> dict[str, Any]:
    """Return the changes of a row after a snapshot, which is `tied` if it is of the same second."""
    if stored is None:
        return {"first": True} if snapshot.first else union({}, snapshot)
    known = stored["changes"]
    if tied:
        if "began" not in known and snapshot.first != known.get("first", False):
            first = snapshot.fields if snapshot.first else stored
            known = {**known, **reversals.start(first, tracked, first=True)}
        return union(known, snapshot)
    if decision is Decision.KEEP:
        return reversals.recalled(known, snapshot, tracked)
    return union(reversals.start(stored, tracked) if snapshot.action else {}, snapshot)


def union(stored: Any, snapshot: Snapshot) -> dict[str, Any]:
    """Return the stored changes together with those of a snapshot of the same second."""
    gained, lost = (
        known | more for known, more in zip(_read(stored), (snapshot.gained, snapshot.lost), strict=True)
    )
    found: dict[str, Any] = {}
    if gained or lost:
        found = {"gained": sorted(gained)[:MAX_MARKS], "lost": sorted(lost)[:MAX_MARKS]}
    if moves := {*map(tuple, stored.get("moves", ())), *snapshot.moves}:
        found["moves"] = [list(move) for move in sorted(moves)[:MAX_MARKS]]
    found |= {name: stored[name] for name in KEPT if name in stored}
    return {**found, "settled": True} if snapshot.second_over or stored.get("settled") else found


def completed(stored: Row, snapshot: Snapshot, now: Row, tracked: Iterable[str], *, tied: bool) -> Row:
    """Return `now`, the row after a snapshot, with the ends of all changes of the second of `stored`.

    A snapshot that is older in one field may be of an action that changed another one. One from before that
    second may show its start. What the API showed after the second is its end.
    """
    if is_second_over(now):
        return now
    return reversals.restored(follow(stored, snapshot, _acted(snapshot, now, tracked) if tied else now))


def _acted(snapshot: Snapshot, now: Row, tracked: Iterable[str]) -> Row:
    """Return `now` with what the action added, and without what it removed or replaced."""
    gained, lost = _read(now["changes"])
    added, removed = snapshot.gained & gained - lost, snapshot.lost & lost - gained
    row = dict(now)
    for field in tracked if added or removed else ():
        shown = snapshot.fields.get(field)
        if isinstance(now[field], list):
            kept = [one for one in now[field] if mark(field, one) not in removed]
            more = [one for one in shown or () if mark(field, one) in added]
            row[field] = [*kept, *(one for one in more if one not in kept)]
        elif shown is not None and mark(field, now[field]) in removed and mark(field, shown) not in lost:
            row[field] = shown
    return row


def follow(stored: Row, snapshot: Snapshot, now: Row) -> Row:
    """Return `now`, the row after edits of the second of `stored`, with the end of each text's chain.

    A text that no known edit replaced or made is newer if it arrives later: some `edited` name no change.
    """
    moves = [(before, after) for before, after in now["changes"].get("moves", ())]
    if not moves:
        return now
    known, began = {**now["changes"].get("texts", {})}, now["changes"].get("began", {})
    ends, row = chains.ends(moves), dict(now)
    for field in sorted({after.partition(":")[0] for _, after in moves}):
        for shown in ("", stored[field], snapshot.fields.get(field)):
            known[mark(field, shown)] = shown
        # A text that returned to its start has no other end.
        own = {end for end in ends if end.startswith(f"{field}:")} or {began.get(field)}
        edits = any(after.startswith(f"{field}:") for _, after in snapshot.moves)
        if (edits or own <= {began.get(field)}) and len(own) == 1 and own <= known.keys():
            row[field] = known[min(own)]
        known.pop(mark(field, row[field]), None)
    texts = dict([(end, text) for end, text in sorted(known.items()) if end in ends][:MAX_TEXTS])
    others = {name: value for name, value in row["changes"].items() if name != "texts"}
    row["changes"] = {**others, "texts": texts} if texts else others
    return row


def is_second_over(stored: Row) -> bool:
    """Return whether GitHub's API showed the row after its second was over."""
    return bool(stored["changes"].get("settled"))


def _read(stored: Any) -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(stored.get("gained", ())), frozenset(stored.get("lost", ()))
