"""Heartbeats of the workers in Redis: their format, and how they are read. The workers write them."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

import redis
from django.conf import settings
from django.utils import timezone
from pydantic import TypeAdapter, ValidationError
from redis.exceptions import RedisError

from configuration import redis_pools

# Followed by the worker's name.
KEY = "hookkeeper:worker:"
# The names of the workers by the time of writing, so that no reader scans all keys of Redis.
NAMES = "hookkeeper:workers"


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The last heartbeat of a living worker."""

    worker: str
    since: datetime
    at_work: int
    """Deliveries."""
    running: dict[int, float] = field(default_factory=dict)
    """Ids of those that it has had the longest, and for how many seconds."""


FORMAT = TypeAdapter(Heartbeat)
"""Reads and writes a heartbeat as JSON."""


def client() -> "redis.Redis":
    """Return a client of `REDIS_URL`. It connects at its first command."""
    return redis.Redis.from_pool(redis_pools.synchronous(settings.REDIS_URL))


def read() -> list[Heartbeat]:
    """Return the living workers, by name, without those whose heartbeat another version or program wrote.

    Raises `redis.exceptions.RedisError` or `OSError` when Redis does not answer.
    """
    with client() as connected:
        names = [name.decode() for name in connected.zrange(NAMES, 0, -1)]
        said = connected.mget([KEY + name for name in sorted(names)]) if names else []
    found = []
    for text in said:
        with suppress(ValidationError):  # also where it has expired
            found.append(FORMAT.validate_json(text or b""))
    return found


def none(lease: datetime | None = None) -> bool:
    """Return whether Redis answers that no worker is alive, and no lease lasts, as that of a command may."""
    if lease is not None and lease > timezone.now():
        return False
    alive, error = read_or_error()
    return not alive and not error


def read_or_error() -> tuple[list[Heartbeat], str]:
    """Return the living workers, and why they are unknown; an empty text if Redis answers."""
    try:
        return read(), ""
    except (RedisError, OSError) as error:
        return [], f"Redis does not answer: {error}"
