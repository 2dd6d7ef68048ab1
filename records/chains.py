"""Finds where the moves of one second end: pushes of a ref, or edits of a text."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

Move = Sequence[Any]
"""`before`, `after`, and further values of the move."""


def ends(moves: Iterable[Move]) -> frozenset[str]:
    """Return the values that were reached more often than they were left.

    The moves of one chain have one such value in any order of arrival: the position of the ref. A ref that
    returned to its start has none, and a chain with a missing move has several.
    """
    balance: Counter[str] = Counter()
    for before, after, *_ in moves:
        balance[after] += 1
        balance[before] -= 1
    return frozenset(value for value, count in balance.items() if count > 0)


def position(moves: Sequence[Move], earlier: Sequence[Move], likely: Iterable[str]) -> str:
    """Return the position of a ref after the moves of a second; `earlier` are those of the second before.

    If several are possible, it is the first of `likely` among them.
    """
    possible = ends(moves)
    if len(possible) > 1:
        # GitHub may write a payload after a later push, and with its time: the link is in the second before.
        possible = possible & ends([*earlier, *moves]) or possible
    possible = possible or _starts(moves, earlier)
    return next((value for value in likely if value in possible), max(possible))


def _starts(moves: Sequence[Move], earlier: Sequence[Move]) -> frozenset[str]:
    """Return the possible starts of a ref that returned to its start.

    That is its position before. If that is unknown, the ref did not exist: a ref without a known push was
    more likely created and deleted than deleted and created again at the same commit.
    """
    reached = frozenset(after for _, after, *_ in moves)
    gone = frozenset(after for after in reached if not after.strip("0"))
    return (
        (ends(earlier) & reached)
        or (frozenset(after for _, after, *_ in earlier) & reached)
        or gone
        or reached
    )


def last(moves: Sequence[Move], end: str) -> Move:
    """Return the last move to `end`. The first move of the chain counts only if no other reached it."""
    began = {before for before, *_ in moves} - {after for _, after, *_ in moves}
    reached = [move for move in moves if move[1] == end]
    return next((move for move in reached if move[0] not in began), reached[0])
