"""Strangers: `python -m tests.chaos.strangers PORT IDLE STALLED PIPELINING HEADERS`, until it is ended.

They run in their own process, so that they take no time of the honest sender. Each reconnects a second after
its connection ended.
"""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Awaitable, Callable

LOOPBACK = "127.0.0.1"
AGAIN_AFTER = 1.0  # seconds
BLOCK = 64 * 1024  # bytes written at once

Stranger = Callable[[socket.socket], Awaitable[None]]


def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


async def idle(connection: socket.socket) -> None:
    """Connect and send nothing."""
    await _loop().sock_recv(connection, 1)


def stalled(path: str) -> Stranger:
    """Announce a body of a megabyte and stop after its first bytes."""
    start = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n{{".encode()

    async def stall(connection: socket.socket) -> None:
        await _loop().sock_sendall(connection, start)
        while await _loop().sock_recv(connection, BLOCK):
            pass

    return stall


def pipelining(path: str) -> Stranger:
    """Send requests without end and read no answer."""
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()

    async def pipeline(connection: socket.socket) -> None:
        while True:
            await _loop().sock_sendall(connection, request * (BLOCK // len(request)))

    return pipeline


def heads(start: bytes, line: bytes) -> Stranger:
    """Send a head without end."""

    async def send(connection: socket.socket) -> None:
        await _loop().sock_sendall(connection, b"GET /healthz" + start)
        while True:
            await _loop().sock_sendall(connection, line * (BLOCK // len(line)))

    return send


HEADS = [
    heads(b" HTTP/1.1\r\n", b"a: b\r\n"),
    heads(b" HTTP/1.1\r\nX-GitHub-Event: ", b"v"),
    heads(b"?", b"t"),
    heads(b" HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"a: b\r\n"),
]


async def come(stranger: Stranger, port: int) -> None:
    """Repeat this stranger until cancelled."""
    while True:
        with socket.socket() as connection, contextlib.suppress(OSError):
            connection.setblocking(False)
            await _loop().sock_connect(connection, (LOOPBACK, port))
            await stranger(connection)
        await asyncio.sleep(AGAIN_AFTER)


async def crowd(port: int, silent: int, half: int, pipeliners: int, headers: int) -> None:
    """Start all strangers at once."""
    paths = ["/webhooks/github", "/healthz"]
    everybody = [
        *(idle for _ in range(silent)),
        *(stalled(paths[number % 2]) for number in range(half)),
        *(pipelining(paths[number % 2]) for number in range(pipeliners)),
        *(HEADS[number % len(HEADS)] for number in range(headers)),
    ]
    await asyncio.gather(*(come(stranger, port) for stranger in everybody))


if __name__ == "__main__":
    os.nice(5)  # the load of the machine that they make is not what is tested
    asyncio.run(crowd(*map(int, sys.argv[1:])))
