"""Which core belongs to the receiver, and which to everything else."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Cores:
    """The split of this machine: the contender has `contender`, load, PostgreSQL and Redis have `rest`.

    Both are empty where the platform cannot pin processes; they are equal where there is one core only.
    """

    contender: frozenset[int]
    rest: frozenset[int]

    def __str__(self) -> str:
        if not self.contender:
            return "not pinned: this platform has no CPU affinity"
        if self.contender == self.rest:
            return "one core in all, shared by the contender and the load"
        return f"contender on core {_list(self.contender)}, everything else on core {_list(self.rest)}"


def split() -> Cores:
    """The first core that this process may use for the contender, the others for the rest."""
    if sys.platform != "linux":
        return Cores(frozenset(), frozenset())
    first, *others = sorted(os.sched_getaffinity(0))
    return Cores(frozenset({first}), frozenset(others or [first]))


@contextmanager
def on(cores: frozenset[int]) -> Iterator[None]:
    """Run the body on these cores; what it starts stays on them. Does nothing where `cores` is empty."""
    if sys.platform != "linux" or not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _list(cores: frozenset[int]) -> str:
    return ", ".join(map(str, sorted(cores)))
