"""Finds where the moves of one ref within one second end, from the start and end of each move."""

from collections import Counter
from collections.abc import Iterable, Sequence

Move = Sequence[object]
"""`before`, `after`, and further values of the move."""


def ends(moves: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return the values that were reached more often than they were left.

    The moves of one chain have one such value in any order of arrival: the position of the ref. A ref that
    returned to its start has none, and a chain with a missing move has several.
    """
    balance: Counter[str] = Counter()
    for before, after in moves:
        balance[after] += 1
        balance[before] -= 1
    return frozenset(value for value, count in balance.items() if count > 0)


def last(moves: Sequence[Move], end: str) -> Move:
    """Return the last move to `end`. The first move of the chain counts only if no other reached it."""
    began = {before for before, *_ in moves} - {after for _, after, *_ in moves}
    reached = [move for move in moves if move[1] == end]
    return next((move for move in reached if move[0] not in began), reached[0])
