"""Tokens: how they look, how they are stored, and how a request is matched to one.

A token is `hk_<key>_<secret>`. The key finds the row. The secret has 256 random bits, so its plain SHA-256
cannot be reversed by guessing, and needs no salt and no slow hash.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest

from django.db.models import Q
from django.utils import timezone

from api.models import Token

_FORMAT = re.compile(r"hk_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
DEFAULT_LIMIT = 1_200  # requests in a minute
# The time of the last use is written once in this time, so that reading costs no write.
USE_WRITTEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Parsed:
    """The two parts of a token. Only the key may be shown."""

    key: str
    digest: bytes


def parse(text: str) -> Parsed | None:
    """Return the parts of a token, and None for any other text."""
    match = _FORMAT.fullmatch(text)
    return Parsed(match[1], hashlib.sha256(match[2].encode()).digest()) if match else None


def create(
    name: str, scope: Token.Scope, *, limit: int = DEFAULT_LIMIT, expires_at: datetime | None = None
) -> str:
    """Store a new token and return its text, which exists nowhere else.

    `limit` is in requests per minute. Raises `django.db.IntegrityError` if the name is taken.
    """
    key, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    text = f"hk_{key}_{secret}"
    Token.objects.create(
        name=name,
        key=key,
        digest=hashlib.sha256(secret.encode()).digest(),
        scope=scope,
        limit=limit,
        created_at=timezone.now(),
        expires_at=expires_at,
    )
    return text


def find(text: str) -> Token | None:
    """Return the token of this text; None if there is none, or if it is expired or revoked."""
    parsed = parse(text)
    row = Token.objects.filter(key=parsed.key).first() if parsed else None
    if parsed is None or row is None or not compare_digest(bytes(row.digest), parsed.digest):
        return None
    now = timezone.now()
    if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        return None
    if row.last_used_at is None or row.last_used_at <= now - USE_WRITTEN_EVERY:
        unwritten = Q(last_used_at=None) | Q(last_used_at__lte=now - USE_WRITTEN_EVERY)
        Token.objects.filter(unwritten, pk=row.pk).update(last_used_at=now)
    return row
