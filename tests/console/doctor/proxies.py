"""Servers on loopback that do to a large body what proxies do."""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

HEAD_END = b"\r\n\r\n"
# Closes with a reset: https://man7.org/linux/man-pages/man7/socket.7.html (SO_LINGER)
RESET = struct.pack("ii", 1, 0)


@contextlib.contextmanager
def proxy(answer: bytes, *, reads: int = 0) -> Iterator[str]:
    """Serve one connection: read the head and `reads` bytes of the body, answer, and drop the rest.

    It reads one byte of the body at least. With an empty answer, the connection ends with a reset. Yields
    the URL of the webhook.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_serve, args=(server, answer, reads))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/webhooks/github"
        finally:
            thread.join(30)
            assert not thread.is_alive()


def _serve(server: socket.socket, answer: bytes, reads: int) -> None:
    server.settimeout(30)
    connection, _ = server.accept()
    with connection:
        connection.settimeout(30)
        received = b""
        # What is no HTTP, such as the begin of TLS, is answered at once.
        while b"POST".startswith(received[:4]) and len(received.partition(HEAD_END)[2]) < max(1, reads):
            chunk = connection.recv(65536)
            if not chunk:
                return
            received += chunk
        if not answer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            return
        with contextlib.suppress(OSError):
            connection.sendall(answer)
            connection.shutdown(socket.SHUT_WR)
            # As nginx does, so that the sender sees the answer: lingering_close.
            while connection.recv(65536):
                pass


def answer(status: str, *headers: str, body: str = "") -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "Connection: close"]
    return "\r\n".join([*lines, "", body]).encode()
