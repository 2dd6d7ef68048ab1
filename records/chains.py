"""Moves of one ref in one second: where they end, told by where each began and ended."""

from collections import Counter
from collections.abc import Iterable, Sequence

Move = Sequence[object]
"""`before`, `after`, and what else belongs to the move."""


def ends(moves: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return the values that were reached more often than they were left.

    Moves that are one chain have one such value, in whatever order they come: where the ref stands. A ref
    that came back to where it began has none, and a chain with a missing link has several.
    """
    balance: Counter[str] = Counter()
    for before, after in moves:
        balance[after] += 1
        balance[before] -= 1
    return frozenset(value for value, count in balance.items() if count > 0)


def last(moves: Sequence[Move], end: str) -> Move:
    """Return the move that reached `end` last: not the one that began the chain, if another did as well."""
    began = {before for before, *_ in moves} - {after for _, after, *_ in moves}
    reached = [move for move in moves if move[1] == end]
    return next((move for move in reached if move[0] not in began), reached[0])
