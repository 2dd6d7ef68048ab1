"""Deliveries as GitHub sends them: signed bytes and headers."""

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from tests.servers import SECRET

PAYLOADS = Path(__file__).parent / "payloads"
# GitHub's published examples, where they lie beside the checkout.
OCTOKIT = Path(__file__).parents[2] / "shared" / "payloads" / "octokit"


def payload(case: str) -> dict[str, Any]:
    """Return one of the project's payloads by the name of its file."""
    found: dict[str, Any] = json.loads((PAYLOADS / f"{case}.json").read_text())
    return found


@dataclass
class Request:
    """A request as GitHub sends it."""

    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def guid(self) -> str:
        return self.headers["X-GitHub-Delivery"]


def signature(body: bytes, secret: str = SECRET) -> str:
    """Return the signature, computed without the code under test."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def request(
    event: str,
    content: dict[str, Any] | bytes,
    *,
    guid: str | None = None,
    hook_id: int = 470100500,
    secret: str = SECRET,
    form: bool = False,
) -> Request:
    """Return a signed delivery. `content` is a payload, or the bytes of the body."""
    body = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
    if form:
        body = urlencode({"payload": body}).encode()
    return Request(
        body,
        {
            "Content-Type": "application/x-www-form-urlencoded" if form else "application/json",
            "User-Agent": "GitHub-Hookshot/044aadd",
            "X-GitHub-Delivery": guid or str(uuid4()),
            "X-GitHub-Event": event,
            "X-GitHub-Hook-ID": str(hook_id),
            "X-GitHub-Hook-Installation-Target-Type": "repository",
            "X-Hub-Signature": "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest(),
            "X-Hub-Signature-256": signature(body, secret),
        },
    )


def sample(case: str, **kwargs: Any) -> Request:
    """Return a signed delivery of a payload of the project; its file name starts with the event."""
    return request(case.partition("__")[0], (PAYLOADS / f"{case}.json").read_bytes(), **kwargs)
