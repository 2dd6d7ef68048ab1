"""Which core belongs to the contender, and which to everything else."""

import os
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Cores:
    """The split of this machine: the contender has `contender`, load, PostgreSQL and Redis have `rest`.

    A contender of two processes has `contender` and `second`. With fewer than three cores they are the same,
    so that each process has half of it. All are empty where the platform cannot pin processes; they are equal
    where there is one core only.
    """

    contender: frozenset[int]
    rest: frozenset[int]
    second: frozenset[int] = frozenset()

    @property
    def halves(self) -> bool:
        """Whether two processes of a contender have half a core each, not a core each."""
        return bool(self.second) and self.second == self.contender

    @property
    def shares(self) -> str:
        """What two processes of a contender have, in words; empty without `second`."""
        if not self.second:
            return ""
        rest = f"PostgreSQL, Redis and the rest on core {_list(self.rest)}"
        if self.halves:
            return f"half a core each, on core {_list(self.contender)}; {rest}"
        return f"a core each, {_list(self.contender)} and {_list(self.second)}; {rest}"

    def __str__(self) -> str:
        if not self.contender:
            return "not pinned: this platform has no CPU affinity"
        if self.contender == self.rest:
            return "one core in all, shared by the contender and the load"
        told = f"contender on core {_list(self.contender)}, everything else on core {_list(self.rest)}"
        apart = self.second - self.contender
        return f"{told}, a second process on core {_list(apart)}" if apart else told


def split(*, two: bool = False) -> Cores:
    """Divide the cores that this process may use, as `divided` does."""
    if sys.platform != "linux":
        return Cores(frozenset(), frozenset())
    return divided(os.sched_getaffinity(0), two=two)


def divided(these: Collection[int], *, two: bool) -> Cores:
    """The first of these cores for the contender, the others for the rest.

    For contenders of `two` processes a second core is set apart where there are three. With fewer both are on
    the first: how much a process does beside PostgreSQL on its core is up to PostgreSQL.
    """
    first, *others = sorted(these)
    one, rest = frozenset({first}), frozenset(others or [first])
    if not two:
        return Cores(one, rest)
    if len(others) < 2:
        return Cores(one, rest, one)
    return Cores(one, frozenset(others[1:]), frozenset(others[:1]))


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
