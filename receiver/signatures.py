"""Signs and verifies bodies as GitHub does: HMAC-SHA256 over the exact bytes. Pure.

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
    """The signature does not prove that the sender knows a secret."""


class SignatureMissingError(SignatureError):
    """The SHA-256 signature is missing. The SHA-1 signature of `X-Hub-Signature` is never accepted."""


class SignatureMalformedError(SignatureError):
    """The header is not `sha256=` and 64 lower-case hexadecimal digits."""


class SignatureMismatchError(SignatureError):
    """The signature matches none of the secrets."""


@lru_cache(maxsize=256)
def _keyed(secret: bytes) -> hmac.HMAC:
    return hmac.new(secret, digestmod=hashlib.sha256)


class Verifier:
    """Computes the signature of one body under each secret, chunk by chunk."""

    def __init__(self, secrets: Iterable[bytes]) -> None:
        self._digests = [_keyed(secret).copy() for secret in secrets]

    def update(self, chunk: bytes) -> None:
        """Add the next bytes of the body."""
        for digest in self._digests:
            digest.update(chunk)

    def verify(self, header: str | None) -> int:
        """Return the position of the secret that signed the body; raise a `SignatureError` if none did.

        Digests are compared in constant time. They are compared as bytes because `compare_digest` raises
        TypeError for a `str` that is not ASCII, so a hostile header would cause a 500.
        """
        if not header:
            raise SignatureMissingError(f"{HEADER} is missing")
        if not _FORM.fullmatch(header):
            raise SignatureMalformedError(f"{HEADER} must be sha256= and 64 lower-case hexadecimal digits")
        claimed = bytes.fromhex(header[7:])
        for position, digest in enumerate(self._digests):
            if hmac.compare_digest(digest.digest(), claimed):
                return position
        raise SignatureMismatchError("the signature does not match the body")


def sign(secret: bytes, body: bytes) -> str:
    """Return the value of the header for this body."""
    return f"sha256={hmac.digest(secret, body, 'sha256').hex()}"


def verify(secrets: Iterable[bytes], body: bytes, header: str | None) -> int:
    """Return the position of the secret that signed `body`, as `Verifier.verify` does."""
    verifier = Verifier(secrets)
    verifier.update(body)
    return verifier.verify(header)
