"""The upper bound: raw ASGI on uvicorn that only verifies the signature."""

import hashlib
import hmac
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

SECRET = os.environ["PEER_SECRET"].encode()


async def application(
    scope: Mapping[str, Any],
    receive: Callable[[], Awaitable[Mapping[str, Any]]],
    send: Callable[[Mapping[str, Any]], Awaitable[None]],
) -> None:
    """Answer 202 to a valid signature, else 403."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    signature = next((value for name, value in scope["headers"] if name == b"x-hub-signature-256"), b"")
    expected = b"sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest().encode()
    status = 202 if hmac.compare_digest(signature, expected) else 403
    answer = b'{"status": "accepted"}'
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
