"""The ping that the doctor posts: as large as GitHub's largest payloads, signed, and recognisable. Pure."""

import json
from urllib.parse import SplitResult, urlsplit
from uuid import UUID, uuid4

from receiver import signatures

# Bytes. GitHub sends no payload above 25 MB: https://docs.github.com/webhooks/webhook-events-and-payloads
SIZE = 24_000_000
# Stored with the delivery, so that it is recognised in the ledger.
AGENT = "Hookkeeper-Doctor"
# The first bytes of the guid find the pings through the index of guids. GitHub's have another version, which
# is the thirteenth digit: https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-8
_PREFIX = 0xD0C70001
FIRST = UUID(int=_PREFIX << 96)
LAST = UUID(int=(_PREFIX + 1 << 96) - 1)


class TargetError(ValueError):
    """The text is no URL that a ping can be posted to."""


def target(url: str) -> SplitResult:
    """Return the parts of a URL; raise `TargetError` unless it is http or https with a host."""
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.username is not None or not url.isprintable():
        raise TargetError("a URL begins with https:// or http:// and a host, and holds no password")
    return parts


def body(size: int = SIZE) -> bytes:
    """Return a ping of so many bytes. It names no hook, so no record comes of it."""
    zen = "A check by manage.py doctor, as large as GitHub's largest payloads."
    bare = json.dumps({"zen": zen, "padding": ""}).encode()
    return bare[:-2] + b"0" * (size - len(bare)) + bare[-2:]


def headers(secret: bytes, content: bytes) -> dict[str, str]:
    """Return the headers of a signed ping without a hook, under a guid between `FIRST` and `LAST`."""
    guid = UUID(int=_PREFIX << 96 | uuid4().int & ~(0xFFFFFFFF << 96) & ~(0xF << 76) | 8 << 76)
    return {
        "Content-Type": "application/json",
        "Content-Length": str(len(content)),
        "User-Agent": AGENT,
        "X-GitHub-Delivery": str(guid),
        "X-GitHub-Event": "ping",
        signatures.HEADER: signatures.sign(secret, content),
    }
