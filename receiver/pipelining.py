"""Keeps the bytes of pipelined requests until the request before them is answered, within limits.

A client that pipelines must expect that its connection is closed before the last answer:
https://www.rfc-editor.org/rfc/rfc9112#section-9.3.2
"""

# Bytes of one connection: one read of uvloop (250 KiB) or asyncio (256 KiB).
MAX_WAITING = 256 * 1024
# Bytes over all connections.
MAX_PIPELINED = 16 * 1024 * 1024
# Pipelined requests a second, over all connections. GitHub and proxies send none, so the rest comes first.
PIPELINED_RATE = 500.0


class Pipelined:
    """What all connections of one server keep: bytes in memory, and the connections that have some."""

    def __init__(self) -> None:
        self.size = 0
        self.connections = 0

    def pause(self) -> float:
        """Return the seconds from an answer to the next pipelined request of its connection."""
        return self.connections / PIPELINED_RATE


class Waiting:
    """The bytes of one connection."""

    def __init__(self, all_pipelined: Pipelined) -> None:
        self._all = all_pipelined
        self._kept = b""

    def __bool__(self) -> bool:
        return bool(self._kept)

    def add(self, data: bytes) -> bool:
        """Keep these bytes; return False if that exceeds a limit."""
        size = len(data)
        if len(self._kept) + size > MAX_WAITING or self._all.size + size > MAX_PIPELINED:
            return False
        self._all.connections += not self._kept
        self._all.size += size
        self._kept += data
        return True

    def take(self) -> bytes:
        """Return all bytes and keep none."""
        kept, self._kept = self._kept, b""
        self._all.connections -= bool(kept)
        self._all.size -= len(kept)
        return kept
