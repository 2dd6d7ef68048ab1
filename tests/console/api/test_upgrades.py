"""Clients that offer another protocol to the console are served in this one, as the receiver's are."""

import http.client
import json
from urllib.parse import urlsplit

import pytest

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


def test_a_tunnel_is_400(console: Console) -> None:
    assert exchange(console.url, "CONNECT", "localhost:443", {})[0] == 400
