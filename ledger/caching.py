"""Caches values that one caller computes for all. Django's cache keeps them in Redis, as JSON only.

While a caller computes a value, the others get the old one, or wait for the new one. While the cache is away,
every caller computes, and for a few seconds none asks the cache.
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

# Time for which an old value is served while the new one is computed.
KEPT_FOR = timedelta(days=1)
# Seconds for which the others wait for a process that died while it computed.
COMPUTES_FOR = 30
POLL_INTERVAL = 0.05
# Seconds for which a cache that failed is left alone.
AWAY_FOR = 5.0

_away_until = 0.0


class JsonSerializer:
    """Writes cached values as JSON. Django's default is pickle, which runs code that a Redis may hold."""

    def dumps(self, value: object) -> bytes:
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
    """Return the value of the key, at most `fresh` old, or older while another caller computes it."""
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
    """Compute the value and keep it, even if a kept one is fresh."""
    try:
        computed = await _computed(compute)
        entry = {"at": computed.at.isoformat(), "value": computed.value}
        await _try(cache.aset(key, entry, timeout=KEPT_FOR.total_seconds()))
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
        return None  # written by another program


async def _waited(key: str) -> Cached | None:
    """Return the value that another caller computes now; None if that takes too long."""
    deadline = time.monotonic() + COMPUTES_FOR
    while time.monotonic() < deadline:
        await asyncio.sleep(POLL_INTERVAL)
        if found := await _read(key):
            return found
        if not await cache.ahas_key(_lock(key)):
            return None  # the other caller failed
    return None


def _lock(key: str) -> str:
    return f"{key}:computing"


def _note_away(error: Exception) -> None:
    global _away_until  # noqa: PLW0603 - one cache for the process
    known = time.monotonic() < _away_until
    _away_until = time.monotonic() + AWAY_FOR
    if not known:
        logger.warning("cache not used seconds=%g error=%s", AWAY_FOR, error)
