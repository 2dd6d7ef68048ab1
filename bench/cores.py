"""Which core belongs to the contender, and which to everything else."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Cores:
    """The split of this machine: the contender has `contender`, load, PostgreSQL and Redis have `rest`.

    A contender of two processes has `contender` and `second`, which is of the rest where there are two cores
    only. All are empty where the platform cannot pin processes; they are equal where there is one core only.
    """

    contender: frozenset[int]
    rest: frozenset[int]
    second: frozenset[int] = frozenset()

    @property
    def apart(self) -> bool:
        """Whether two processes of a contender and the rest have cores of their own."""
        return bool(self.second) and not self.second & (self.contender | self.rest)

    def __str__(self) -> str:
        if not self.contender:
            return "not pinned: this platform has no CPU affinity"
        if self.contender == self.rest:
            return "one core in all, shared by the contender and the load"
        told = f"contender on core {_list(self.contender)}, everything else on core {_list(self.rest)}"
        return f"{told}, a second process on core {_list(self.second)}" if self.second else told


def split(*, two: bool = False) -> Cores:
    """The first core that this process may use for the contender, the others for the rest.

    For contenders of `two` processes the second core is set apart where there are three.
    """
    if sys.platform != "linux":
        return Cores(frozenset(), frozenset())
    first, *others = sorted(os.sched_getaffinity(0))
    if not two:
        return Cores(frozenset({first}), frozenset(others or [first]))
    second = frozenset(others[:1] or [first])
    return Cores(frozenset({first}), frozenset(others[1:] or second), second)


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


def busy(which: frozenset[int]) -> float:
    """Seconds that these cores have worked since the machine's start, for whomever."""
    times = psutil.cpu_times(percpu=True)
    return sum(sum(times[core]) - times[core].idle - getattr(times[core], "iowait", 0.0) for core in which)


def _list(cores: frozenset[int]) -> str:
    return ", ".join(map(str, sorted(cores)))
