"""Ports on the loopback for the servers of the tests.

Each run of the suite has its own block of ports, because `make test` runs several at once: a port that one
of them chose, and on which its server does not listen yet, looks free to the others.
"""

import atexit
import itertools
import random
import socket
from collections.abc import Iterator
from functools import cache

# Linux takes the ports of outgoing connections from 32768 on.
FIRST, BLOCK, BLOCKS = 20_000, 250, 48


def free_port() -> int:
    """Return a port that nobody listens on, and that no other run of the suite is given."""
    return next(port for port in _block() if _is_free(port))


@cache
def _block() -> Iterator[int]:
    """Take a block of ports; a socket on its first one holds it until this process ends."""
    # Not `random` itself, which each test seeds alike.
    for block in random.SystemRandom().sample(range(BLOCKS), BLOCKS):
        first = FIRST + block * BLOCK
        guard = socket.socket()
        try:
            guard.bind(("127.0.0.1", first))
        except OSError:
            guard.close()
            continue
        atexit.register(guard.close)
        return itertools.cycle(range(first + 1, first + BLOCK))
    raise RuntimeError(f"all ports from {FIRST} to {FIRST + BLOCK * BLOCKS} are taken")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
