"""The load generator: keep-alive connections that each send the next request when the last was answered.

It uses no HTTP library: it writes prepared bytes, and reads only the status and the end of an answer, so that
it costs less than the measured servers.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast
from uuid import getnode, uuid1

DRAIN = 15.0  # seconds for the pending answers at the end
OK = range(200, 300)
# Without these, Python 3.11 calls libuuid for each guid, which looks for the socket of its daemon: that takes
# 10 microseconds of the core that PostgreSQL has.
NODE, SEQUENCE = getnode(), 1


@dataclass
class Outcome:
    """The answers. Latencies are in seconds, of all answers with any status."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    lost: int = 0  # requests whose connection ended before an answer, and connections refused
    unanswered: int = 0  # requests without an answer `DRAIN` seconds after the end
    own_cpu: float = 0.0  # seconds that the generator itself used

    @property
    def accepted(self) -> int:
        """Return the number of 2xx answers."""
        return sum(count for status, count in self.statuses.items() if status in OK)

    @property
    def failed(self) -> int:
        """Return the number of requests without a 2xx."""
        return sum(self.statuses.values()) - self.accepted + self.lost + self.unanswered


def answered(data: bytes | bytearray) -> tuple[int, bool] | None:
    """Return the status and whether the connection stays open, if `data` is a whole answer; else None.

    Raises `ValueError` for an answer that ends with the connection.
    """
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(data[:end]).lower()
    status = int(head[9:12])
    keep = b"\r\nconnection: close" not in head
    _, found, rest = head.partition(b"\r\ncontent-length:")
    if found:
        whole = len(data) >= end + 4 + int(rest.partition(b"\r\n")[0])
    elif b"\r\ntransfer-encoding: chunked" in head:
        whole = data.endswith(b"\r\n0\r\n\r\n", end)
    elif status in {204, 304}:
        whole = True
    else:
        raise ValueError(f"an answer of unknown length: {head!r}")
    return (status, keep) if whole else None


class Volley:
    """One run of the generator against one address."""

    def __init__(self, port: int, path: str, headers: Mapping[str, str], body: bytes) -> None:
        lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {len(body)}", "X-GitHub-Delivery: "]
        self.port = port
        self.head = "\r\n".join(lines).encode()
        self.tail = b"\r\n\r\n" + body
        self.outcome = Outcome()
        self.ends = 0.0
        self.open: set[Connection] = set()
        self._all_closed = asyncio.Event()

    async def fire(self, connections: int, seconds: float) -> Outcome:
        """Keep `connections` requests pending for `seconds`, then await the last answers."""
        cpu, started = time.process_time(), time.perf_counter()
        self.ends = started + seconds
        await asyncio.gather(*(self.connect() for _ in range(connections)))
        try:
            async with asyncio.timeout(seconds + DRAIN):
                await self._all_closed.wait()
        except TimeoutError:
            for connection in list(self.open):
                self.outcome.unanswered += 1
                connection.abandon()
        self.outcome.seconds = time.perf_counter() - started
        self.outcome.own_cpu = time.process_time() - cpu
        return self.outcome

    async def connect(self) -> None:
        """Open one more connection, which starts to send."""
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: Connection(self), "127.0.0.1", self.port
            )
        except OSError:
            self.outcome.lost += 1
            self.closed()

    def closed(self, connection: "Connection | None" = None) -> None:
        """Note the end of a connection."""
        if connection is not None:
            self.open.discard(connection)
        if not self.open:
            self._all_closed.set()


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one pending request."""

    def __init__(self, volley: Volley) -> None:
        self._volley = volley
        self._answer = bytearray()
        self._sent: float | None = None
        self._reconnecting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transport has another class
        self._volley.open.add(self)
        self._send()

    def data_received(self, data: bytes) -> None:
        """Count the answer once it is whole, and send the next request."""
        self._answer += data
        found = answered(self._answer)
        if found is None or self._sent is None:
            return
        status, keep = found
        now = time.perf_counter()
        self._volley.outcome.latencies.append(now - self._sent)
        self._volley.outcome.statuses[status] += 1
        self._sent = None
        self._answer.clear()
        if keep and now < self._volley.ends:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, _error: Exception | None) -> None:
        """Count a pending request as lost, and reconnect until the end of the run."""
        if self._sent is not None:
            self._volley.outcome.lost += 1
        if time.perf_counter() < self._volley.ends:
            self._reconnecting = asyncio.get_running_loop().create_task(self._again())
        else:
            self._volley.closed(self)

    def abandon(self) -> None:
        """Close the connection without waiting for the answer, which the caller counts."""
        self._sent = None
        self._transport.abort()

    def _send(self) -> None:
        volley = self._volley
        self._sent = time.perf_counter()
        self._transport.write(b"".join((volley.head, str(uuid1(NODE, SEQUENCE)).encode(), volley.tail)))

    async def _again(self) -> None:
        await self._volley.connect()
        self._volley.closed(self)


async def fire(
    port: int, path: str, headers: Mapping[str, str], body: bytes, *, connections: int, seconds: float
) -> Outcome:
    """Send to `127.0.0.1:port` for `seconds` over `connections`; each request has a new guid.

    It is one of the time, as in GitHub's own example: https://docs.github.com/rest/repos/webhooks
    """
    return await Volley(port, path, headers, body).fire(connections, seconds)
