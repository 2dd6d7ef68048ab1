"""The cache: one computes, others wait or take the old value, and a cache that is away only slows."""

import asyncio
import pickle
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from pytest_django.fixtures import Settings
from redis import Redis

from ledger import caching
from tests import processes

MINUTE = timedelta(minutes=1)
NEVER = timedelta(0)


class Computing:
    """Counts how often it computes, and waits until it is released."""

    def __init__(self) -> None:
        self.times = 0
        self.begun = asyncio.Event()
        self.released = asyncio.Event()

    async def __call__(self) -> Any:
        self.times += 1
        self.begun.set()
        await self.released.wait()
        return {"number": self.times}


def at_once(value: Any) -> Callable[[], Awaitable[Any]]:
    async def compute() -> Any:
        return value

    return compute


@pytest.fixture
def key(redis: Redis) -> str:
    """Return a key that nothing has, in a cache that is there."""
    caching._away_until = 0.0
    return uuid4().hex


async def test_many_who_ask_at_once_cost_one_computation(key: str) -> None:
    computing = Computing()
    asking = [asyncio.create_task(caching.get(key, MINUTE, computing)) for _ in range(10)]
    await computing.begun.wait()
    computing.released.set()
    assert [found.value for found in await asyncio.gather(*asking)] == [{"number": 1}] * 10
    assert (await caching.get(key, MINUTE, computing)).value == {"number": 1}


async def test_an_old_value_is_taken_while_a_new_one_is_computed(key: str) -> None:
    old = await caching.get(key, MINUTE, at_once("old"))
    computing = Computing()
    asking = asyncio.create_task(caching.get(key, NEVER, computing))
    await computing.begun.wait()
    assert await caching.get(key, NEVER, at_once("not computed")) == old
    computing.released.set()
    assert (await asking).value == {"number": 1}
    assert (await caching.get(key, MINUTE, at_once("not computed"))).value == {"number": 1}


async def test_a_computation_that_fails_holds_nobody_up(key: str) -> None:
    async def failing() -> Any:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await caching.get(key, MINUTE, failing)
    async with asyncio.timeout(60):
        assert (await caching.get(key, MINUTE, at_once("computed"))).value == "computed"


async def test_a_cache_that_is_away_only_slows_and_is_logged_once(
    key: str, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = f"redis://127.0.0.1:{processes.free_port()}"
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": nowhere}}
    for value in ("first", "second"):
        assert (await caching.get(key, MINUTE, at_once(value))).value == value
    await asyncio.gather(*(caching.refresh(key, at_once("third")) for _ in range(3)))
    assert caplog.text.count("cache not used") == 1


async def test_what_somebody_else_wrote_into_redis_is_never_unpickled(key: str, redis: Redis) -> None:
    await caching.refresh(key, at_once("ours"))
    [name] = [each for each in redis.scan_iter() if key.encode() in each]
    redis.set(name, pickle.dumps({"at": "2026-01-01T00:00:00+00:00", "value": "theirs"}))
    assert (await caching.get(key, MINUTE, at_once("computed"))).value == "computed"
