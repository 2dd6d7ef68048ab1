"""Limits the number of connections and the time of each stage, and closes the oldest to make room.

A connection costs an unsigned sender nothing and the receiver an open file.
"""

import asyncio
import logging
import resource
from collections import Counter
from collections.abc import Iterable
from enum import IntEnum
from typing import Protocol
from weakref import WeakKeyDictionary

from uvicorn.server import ServerState

from receiver.lingering import Rate
from receiver.pipelining import Pipelined

logger = logging.getLogger(__name__)

# Connections. Each may hold a head or a small body of 64 KiB: 128 MiB in total.
MAX_CONNECTIONS = 2000
# Open files reserved for the database, Redis and SQLite, and for connections that are being closed.
FILES_KEPT = 128
# Connections allowed even if the limit of open files leaves fewer.
MIN_CONNECTIONS = 16
# One connection in so many is closed to make room: the search for the oldest takes a millisecond.
EVICTED_SHARE = 20
# Seconds from the start of a connection, or from a later request's first byte, to the end of the head.
HEAD_WITHIN = 10.0
# Seconds from the end of the head until the answer is written. The application answers within nine; the
# rest is for a slow reader.
REQUEST_WITHIN = 30.0
# Seconds from an early answer until the connection is closed, if its sender does not close it. GitHub waits
# ten for an answer: https://docs.github.com/webhooks/using-webhooks/best-practices
LINGER_WITHIN = 10.0
# The same while the process stops.
LINGER_AT_EXIT = 1.0
# Seconds between two checks of the deadlines.
SWEEP_EVERY = 1.0
# Seconds between two log lines about ended connections.
LOG_EVERY = 60.0


class Stage(IntEnum):
    """The stages of a connection. The first ones can be closed for a new connection, in this order."""

    LINGER = 0
    HEAD = 1
    IDLE = 2
    BODY = 3
    ANSWER = 4
    CLOSED = 5


class Connection(Protocol):
    """The view of `Connections`; `since` is the loop's time at the start of the present limit."""

    stage: Stage
    since: float

    def expire(self) -> None:
        """End the connection at the deadline of its stage."""

    def abort(self) -> None:
        """Close the connection at once, and enter `Stage.CLOSED`."""


class Connections:
    """The connections of one server."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int, keep_alive: float) -> None:
        self.limit = limit
        self.within = {
            Stage.LINGER: LINGER_WITHIN,
            Stage.HEAD: HEAD_WITHIN,
            Stage.IDLE: keep_alive,
            Stage.BODY: REQUEST_WITHIN,
            Stage.ANSWER: REQUEST_WITHIN,
        }
        self.sweep_every = SWEEP_EVERY
        self.pipelined = Pipelined()
        self.discarding = Rate(loop)
        self._all: set[Connection] = set()
        self._loop = loop
        self._ended: Counter[str] = Counter()
        self._sweeping = False
        self._log_at = 0.0

    def add(self, connection: Connection) -> bool:
        """Add a connection, and return whether there is room for it, after closing others if necessary.

        Connections that linger after an answer are closed first. Those without a request come next, then idle
        ones, where a proxy may send its next delivery, then incomplete bodies. A complete request keeps its
        connection.
        """
        if not self._sweeping:
            self._sweeping = True
            self._loop.call_later(self.sweep_every, self._sweep)
        if len(self._all) >= self.limit:
            self._evict()
        room = len(self._all) < self.limit
        if not room:
            self.count("refused")
        self._all.add(connection)
        return room

    def discard(self, connection: Connection) -> None:
        """Forget a connection that was closed."""
        self._all.discard(connection)

    def count(self, reason: str) -> None:
        """Count an ended connection under a reason, for the log."""
        self._ended[reason] += 1

    def _evict(self) -> None:
        found = sorted(_spared(self._all), key=lambda each: (each.stage, each.since))
        for connection in found[: self.limit // EVICTED_SHARE + 1]:
            self.count(f"evicted_{connection.stage.name.lower()}")
            connection.abort()

    def _sweep(self) -> None:
        now = self._loop.time()
        for connection in list(self._all):
            stage = connection.stage
            if stage is not Stage.CLOSED and now - connection.since >= self.within[stage]:
                if stage is not Stage.IDLE:
                    self.count(f"late_{stage.name.lower()}")
                connection.expire()
        if self._ended and now >= self._log_at:
            reasons = " ".join(f"{reason}={count}" for reason, count in sorted(self._ended.items()))
            logger.warning("connections ended %s open=%d limit=%d", reasons, len(self._all), self.limit)
            self._ended.clear()
            self._log_at = now + LOG_EVERY
        self._sweeping = bool(self._all or self._ended)
        if self._sweeping:
            self._loop.call_later(self.sweep_every, self._sweep)


def _spared(connections: Iterable[Connection]) -> list[Connection]:
    return [each for each in connections if each.stage < Stage.ANSWER]


_servers: WeakKeyDictionary[ServerState, Connections] = WeakKeyDictionary()


def of(server: ServerState, loop: asyncio.AbstractEventLoop, keep_alive: float) -> Connections:
    """Return the connections of a server."""
    found = _servers.get(server)
    if found is None:
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        found = _servers[server] = Connections(loop, limit(files), keep_alive)
    return found


def limit(files: int) -> int:
    """Return the connections allowed to a process that may open so many files."""
    if files == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(MIN_CONNECTIONS, min(MAX_CONNECTIONS, files - FILES_KEPT))
