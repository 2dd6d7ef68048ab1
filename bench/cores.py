"""Assigns the cores: to the contender, and to everything else."""

import os
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Cores:
    """The cores of the contender (`contender`), and those of load, PostgreSQL and Redis (`rest`).

    A contender of two processes has `contender` and `second`. With fewer than three cores both are the
    same, so each process has half of it. All are empty if the platform cannot pin processes, and equal on a
    machine with one core.
    """

    contender: frozenset[int]
    rest: frozenset[int]
    second: frozenset[int] = frozenset()

    @property
    def halves(self) -> bool:
        """Return whether two processes of a contender share one core."""
        return bool(self.second) and self.second == self.contender

    @property
    def shares(self) -> str:
        """Describe the cores of two processes of a contender; empty without `second`."""
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
        text = f"contender on core {_list(self.contender)}, everything else on core {_list(self.rest)}"
        apart = self.second - self.contender
        return f"{text}, a second process on core {_list(apart)}" if apart else text


def split(*, two: bool = False) -> Cores:
    """Divide the cores that this process may use, as `divided` does."""
    if sys.platform != "linux":
        return Cores(frozenset(), frozenset())
    return divided(os.sched_getaffinity(0), two=two)


def divided(these: Collection[int], *, two: bool) -> Cores:
    """Return the split: the first core for the contender, the others for the rest.

    Contenders of `two` processes get a second core if there are three. With fewer, both share the first core,
    because a process on PostgreSQL's core depends on PostgreSQL's load.
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
    """Run the body, and the processes that it starts, on these cores. Does nothing if `cores` is empty."""
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
    """Return the busy seconds of these cores since the start of the machine."""
    times = psutil.cpu_times(percpu=True)
    return sum(sum(times[core]) - times[core].idle - getattr(times[core], "iowait", 0.0) for core in which)


def _list(cores: frozenset[int]) -> str:
    return ", ".join(map(str, sorted(cores)))
