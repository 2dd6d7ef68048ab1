"""GitHub's signature, pure: HMAC-SHA256 over the exact bytes of the body.

https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from functools import lru_cache

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


@lru_cache(maxsize=256)
def _keyed(secret: bytes) -> hmac.HMAC:
    return hmac.new(secret, digestmod=hashlib.sha256)


class Verifier:
    """The signatures of one body under each secret, fed as the body arrives."""

    def __init__(self, secrets: Iterable[bytes]) -> None:
        self._digests = [_keyed(secret).copy() for secret in secrets]

    def update(self, chunk: bytes) -> None:
        """Take the next bytes of the body."""
        for digest in self._digests:
            digest.update(chunk)

    def verify(self, header: str | None) -> int:
        """The position of the secret that signed what was taken; raises a `SignatureError` for none.

        Digests are compared in constant time and as bytes: `compare_digest` raises TypeError on a `str`
        that is not ASCII, which a hostile header would turn into a 500.
        """
        if not header:
            raise SignatureMissingError(f"{HEADER} is missing")
        if not _FORM.fullmatch(header):
            raise SignatureMalformedError(f"{HEADER} must be sha256= and 64 lower-case hexadecimal digits")
        given = bytes.fromhex(header[7:])
        for position, digest in enumerate(self._digests):
            if hmac.compare_digest(digest.digest(), given):
                return position
        raise SignatureMismatchError("the signature does not match the body")


def sign(secret: bytes, body: bytes) -> str:
    """The header's value for this body."""
    return f"sha256={hmac.digest(secret, body, 'sha256').hex()}"


def verify(secrets: Iterable[bytes], body: bytes, header: str | None) -> int:
    """`Verifier`, for a body that is there whole."""
    verifier = Verifier(secrets)
    verifier.update(body)
    return verifier.verify(header)
