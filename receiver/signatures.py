"""GitHub's signature, pure: HMAC-SHA256 over the exact bytes of the body.

https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
"""

import hashlib
import hmac
import re
from collections.abc import Sequence

HEADER = "X-Hub-Signature-256"
_FORM = re.compile(r"sha256=[0-9a-f]{64}")


class SignatureError(Exception):
    """The body is not shown to come from a holder of the secret."""


class SignatureMissingError(SignatureError):
    """There is no SHA-256 signature; the SHA-1 of `X-Hub-Signature` is never sufficient."""


class SignatureMalformedError(SignatureError):
    """The header is not `sha256=` and 64 lower-case hexadecimal digits."""


class SignatureMismatchError(SignatureError):
    """None of the secrets makes this signature."""


def sign(secret: bytes, body: bytes) -> str:
    """The header's value for this body."""
    return "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()


def verify(secrets: Sequence[bytes], body: bytes, header: str | None) -> int:
    """The position of the secret that signed `body`; raises a `SignatureError` when there is none.

    Digests are compared in constant time and as bytes: `compare_digest` raises TypeError on a `str` that
    is not ASCII, which a hostile header would turn into a 500.
    """
    if not header:
        raise SignatureMissingError(f"{HEADER} is missing")
    if not _FORM.fullmatch(header):
        raise SignatureMalformedError(f"{HEADER} must be sha256= and 64 lower-case hexadecimal digits")
    given = header.encode("ascii")
    for position, secret in enumerate(secrets):
        if hmac.compare_digest(sign(secret, body).encode("ascii"), given):
            return position
    raise SignatureMismatchError("the signature does not match the body")
