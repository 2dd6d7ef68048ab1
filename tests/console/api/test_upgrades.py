"""What the console takes for a request: an offer of another protocol is ignored, as the receiver does."""

import http.client
import json
import socket
from urllib.parse import urlsplit

import pytest

from receiver.faults import MAX_FIELDS
from tests.console.api.conftest import Programs
from tests.console.conftest import Console

WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
# What Java's client sends with every request.
H2C = {
    "Connection": "Upgrade, HTTP2-Settings",
    "Upgrade": "h2c",
    "HTTP2-Settings": "AAMAAABkAAQCAAAAAAIAAAAA",
}


def exchange(
    url: str, method: str, path: str, headers: dict[str, str], body: bytes = b"", *, chunked: bool = False
) -> tuple[int, bytes]:
    """Return status and body of the answer to one request; urllib replaces `Connection`."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        pieces = iter([body[:5], body[5:]]) if chunked else body or None
        connection.request(method, path, pieces, headers, encode_chunked=chunked)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 302), ("/sign-in", 200), ("/api/v1/deliveries", 401), ("/metrics", 200), ("/nowhere", 404)],
)
def test_a_websocket_handshake_is_answered_as_the_get_that_it_is(
    console: Console, path: str, status: int
) -> None:
    assert exchange(console.url, "GET", path, WEBSOCKET)[0] == status


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("offer", [H2C, WEBSOCKET], ids=["h2c", "a WebSocket"])
def test_the_body_of_a_program_that_offers_an_upgrade_is_read(
    api: Programs, offer: dict[str, str], chunked: bool
) -> None:
    headers = {**offer, "Authorization": f"Bearer {api.operator.token}", "Content-Type": "application/json"}
    if chunked:
        headers["Transfer-Encoding"] = "chunked"
    body = json.dumps({"ids": ["999999999"]}).encode()
    path = "/api/v1/deliveries/replay"
    status, told = exchange(api.operator.url, "POST", path, headers, body, chunked=chunked)
    assert status == 200, told
    assert b'"unknown"' in told


def raw(console: Console, *lines: str) -> int:
    """Return the status of the answer to exactly these lines."""
    parts = urlsplit(console.url)
    with socket.create_connection((parts.hostname, parts.port), 60) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return int(connection.recv(1024).split()[1])


HEADS = {
    "no host": ([], 400),
    "two hosts": (["Host: localhost"] * 2, 400),
    "no host's name": (["Host: local host"], 400),
    "a coding": (["Host: localhost", "Transfer-Encoding: gzip, chunked"], 501),
    "a coding in a line of its own": (
        ["Host: localhost", "Transfer-Encoding: gzip", "Transfer-Encoding: chunked"],
        501,
    ),
    "too many lines": (["Host: localhost", *["a: b"] * MAX_FIELDS], 431),
    "too many lines with an upgrade": (
        ["Host: localhost", "Connection: upgrade", "Upgrade: h2c", *["a: b"] * MAX_FIELDS],
        431,
    ),
}


@pytest.mark.parametrize("case", HEADS)
def test_a_head_that_the_receiver_refuses_is_refused(console: Console, case: str) -> None:
    lines, status = HEADS[case]
    assert raw(console, "GET /metrics HTTP/1.1", *lines) == status


def test_http_1_0_has_no_100(console: Console) -> None:
    lines = ["Expect: 100-continue", "Content-Length: 2", "", "{}"]
    assert raw(console, "POST /api/v1/deliveries/replay HTTP/1.0", *lines) == 401


def test_a_token_after_the_body_is_no_token(api: Programs, console: Console) -> None:
    head = ["GET /api/v1/workers HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked"]
    token = f"Authorization: Bearer {api.operator.token}"
    assert raw(console, *head, token, "", "0") == 200
    assert raw(console, *head, "", "0", token) == 401


def test_a_tunnel_is_400(console: Console) -> None:
    assert exchange(console.url, "CONNECT", "localhost:443", {})[0] == 400
