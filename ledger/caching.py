"""Values that are computed once for all who ask: kept in Redis by Django's cache, and only as JSON.

One computes; meanwhile others get the old value, or wait for the new one. A cache that is away only slows:
everybody computes then, and for a few seconds nobody asks the cache again.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.cache import cache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

# An old value is good enough while the new one is computed.
KEPT = timedelta(days=1)
# Seconds. A process that dies while it computes holds up the others for so long.
COMPUTES_FOR = 30
POLL_INTERVAL = 0.05
# Seconds for which a cache that failed is left alone.
AWAY_FOR = 5.0

_away_until = 0.0


class JsonSerializer:
    """Writes what is cached as JSON. Django's default is pickle, which runs code that a Redis may hold."""

    def dumps(self, value: Any) -> bytes:
        """Return the value as JSON."""
        return json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        """Return the value of JSON."""
        return json.loads(data)


@dataclass(frozen=True, slots=True)
class Cached:
    """A value, and when it was computed."""

    value: Any
    at: datetime


async def get(key: str, fresh: timedelta, compute: Callable[[], Awaitable[Any]]) -> Cached:
    """Return the value of the key, at most `fresh` old, or older while somebody computes it anew."""
    if time.monotonic() < _away_until:
        return await _computed(compute)
    try:
        found = await _read(key)
        if found and datetime.now(UTC) - found.at < fresh:
            return found
        mine = await cache.aadd(_lock(key), 1, timeout=COMPUTES_FOR)
        found = None if mine else found or await _waited(key)
    except (RedisError, OSError) as error:
        _note_away(error)
        return await _computed(compute)
    return found or await (refresh(key, compute) if mine else _computed(compute))


async def refresh(key: str, compute: Callable[[], Awaitable[Any]]) -> Cached:
    """Compute the value and keep it, without regard to what is kept."""
    try:
        computed = await _computed(compute)
        entry = {"at": computed.at.isoformat(), "value": computed.value}
        await _try(cache.aset(key, entry, timeout=KEPT.total_seconds()))
    finally:
        await _try(cache.adelete(_lock(key)))
    return computed


async def _try(command: Awaitable[Any]) -> None:
    try:
        await command
    except (RedisError, OSError) as error:
        _note_away(error)


async def _computed(compute: Callable[[], Awaitable[Any]]) -> Cached:
    now = datetime.now(UTC)
    return Cached(await compute(), now)


async def _read(key: str) -> Cached | None:
    try:
        entry = await cache.aget(key)
        return Cached(entry["value"], datetime.fromisoformat(entry["at"])) if entry else None
    except (ValueError, KeyError, TypeError):
        return None  # not written here


async def _waited(key: str) -> Cached | None:
    """Return the value that somebody else computes now; None if that takes too long."""
    deadline = time.monotonic() + COMPUTES_FOR
    while time.monotonic() < deadline:
        await asyncio.sleep(POLL_INTERVAL)
        if found := await _read(key):
            return found
        if not await cache.ahas_key(_lock(key)):
            return None  # whoever computed it failed
    return None


def _lock(key: str) -> str:
    return f"{key}:computing"


def _note_away(error: Exception) -> None:
    global _away_until  # noqa: PLW0603 - one cache for the process
    _away_until = time.monotonic() + AWAY_FOR
    logger.warning("cache not used seconds=%g error=%s", AWAY_FOR, error)
