"""Limits the number of connections and the time of each stage, and closes the oldest to make room.

A connection costs an unsigned sender nothing and the receiver an open file. Each stage keeps its connections
in order of entry, so the oldest is found without a search.
"""

import asyncio
import logging
import resource
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from typing import Protocol
from weakref import WeakKeyDictionary

logger = logging.getLogger(__name__)

# Connections. Each may hold a head or a small body of 64 KiB: 128 MiB in total.
MAX_CONNECTIONS = 2000
# Open files reserved for the database, Redis and SQLite, and for connections that are being closed.
FILES_KEPT = 128
# Connections allowed even if the limit of open files leaves fewer.
MIN_CONNECTIONS = 16
# Bytes of pipelined requests in memory, over all connections.
MAX_PIPELINED = 16 * 1024 * 1024
# Pipelined requests a second, over all connections. GitHub and proxies send none, so the rest comes first.
PIPELINED_RATE = 500.0
# Seconds from the start of a connection, or from a later request's first byte, to the end of the head.
HEAD_WITHIN = 10.0
# Seconds for a body. The limit in receiver/bodies.py is shorter and answers 408.
BODY_WITHIN = 30.0
# Seconds until an answer is written. The application answers within nine; the rest is for a slow reader.
ANSWER_WITHIN = 30.0
# Seconds between two checks of the deadlines.
SWEEP_EVERY = 1.0
# Seconds between two log lines about ended connections.
LOG_EVERY = 60.0


class Connection(Protocol):
    """A connection as `Connections` sees it."""

    def expire(self) -> None:
        """End the connection at the deadline of its stage."""

    def abort(self) -> None:
        """Close the connection at once."""


@dataclass(eq=False, slots=True)
class Stage:
    """Connections in one stage, oldest first, with the time of entry; `within` is in seconds."""

    name: str
    within: float
    since: OrderedDict[Connection, float] = field(default_factory=OrderedDict)


class Connections:
    """The connections of one server."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int, keep_alive: float) -> None:
        self.limit = limit
        self.head = Stage("head", HEAD_WITHIN)
        self.idle = Stage("idle", keep_alive)
        self.body = Stage("body", BODY_WITHIN)
        self.answer = Stage("answer", ANSWER_WITHIN)
        self.pipelined = 0  # bytes of pipelined requests in memory
        self.pipelining = 0  # connections that hold such bytes
        self._stages = (self.head, self.idle, self.body, self.answer)
        self._loop = loop
        self._ended: Counter[str] = Counter()
        self._sweeping = False
        self._log_at = 0.0

    def __len__(self) -> int:
        return sum(len(stage.since) for stage in self._stages)

    def make_room(self) -> bool:
        """Return whether one more connection fits, after closing the oldest one if necessary.

        Connections without a request are closed before idle ones, where a proxy may send its next delivery,
        and those before incomplete bodies. A complete request keeps its connection.
        """
        if not self._sweeping:
            self._sweeping = True
            self._loop.call_later(SWEEP_EVERY, self._sweep)
        if len(self) < self.limit:
            return True
        for stage in (self.head, self.idle, self.body):
            if stage.since:
                self.count(f"evicted_{stage.name}")
                next(iter(stage.since)).abort()
                return True
        self.count("refused")
        return False

    def may_wait(self, size: int) -> bool:
        """Return whether `size` more bytes of pipelined requests may be kept."""
        return self.pipelined + size <= MAX_PIPELINED

    def pipelining_pause(self) -> float:
        """Return the seconds from an answer to the next pipelined request of its connection."""
        return self.pipelining / PIPELINED_RATE

    def count(self, reason: str) -> None:
        """Count an ended connection under a reason, for the log."""
        self._ended[reason] += 1

    def _sweep(self) -> None:
        now = self._loop.time()
        for stage in self._stages:
            overdue = now - stage.within
            while stage.since and next(iter(stage.since.values())) <= overdue:
                if stage is not self.idle:
                    self.count(f"late_{stage.name}")
                next(iter(stage.since)).expire()
        if self._ended and now >= self._log_at:
            reasons = " ".join(f"{reason}={count}" for reason, count in sorted(self._ended.items()))
            logger.warning("connections_ended %s open=%d limit=%d", reasons, len(self), self.limit)
            self._ended.clear()
            self._log_at = now + LOG_EVERY
        self._sweeping = bool(len(self) or self._ended)
        if self._sweeping:
            self._loop.call_later(SWEEP_EVERY, self._sweep)


_servers: WeakKeyDictionary[object, Connections] = WeakKeyDictionary()


def of(server: object, loop: asyncio.AbstractEventLoop, keep_alive: float) -> Connections:
    """Return the connections of a server."""
    found = _servers.get(server)
    if found is None:
        found = _servers[server] = Connections(loop, limit(), keep_alive)
    return found


def limit() -> int:
    """Return the connections allowed to this process, below its limit of open files."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(MIN_CONNECTIONS, min(MAX_CONNECTIONS, files - FILES_KEPT))
