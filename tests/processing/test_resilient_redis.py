"""The worker's Redis client completes every command, although connections are cut."""

import asyncio
import dataclasses
import itertools
import threading
import time

import pytest
from pytest_django.fixtures import Settings
from redis import Redis

from processing import resilient_redis
from receiver import queue

# Seconds.
LASTS = 1.5
PAUSES = [0, 0.001, 0.002, 0.005, 0.01]


def cut(redis: "Redis", over: threading.Event) -> None:
    """Cut all other connections repeatedly, also new ones."""
    for pause in itertools.cycle(PAUSES):
        if over.is_set():
            return
        redis.client_kill_filter(_type="normal", skipme=True)
        time.sleep(pause)


async def test_a_command_is_answered_however_often_its_connection_is_cut(redis: "Redis") -> None:
    client = resilient_redis.connect()
    over = threading.Event()
    cutting = asyncio.create_task(asyncio.to_thread(cut, redis, over))
    answers = 0
    try:
        end = time.monotonic() + LASTS
        while time.monotonic() < end:
            assert await client.zcard(queue.NAME) == 0
            answers += 1
            # A connection is also cut while it is idle.
            await asyncio.sleep(PAUSES[answers % len(PAUSES)])
    finally:
        over.set()
        await cutting
        await client.aclose()
    assert answers > 0


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("unix:///a/redis.sock?db=3", {"unix_socket_path": "/a/redis.sock", "database": 3, "ssl": False}),
        (
            "redis://me:pw@one:1/2",
            {"host": "one", "port": 1, "database": 2, "username": "me", "password": "pw"},
        ),
        ("rediss://one?ssl_ca_certs=/ca", {"ssl": True, "ssl_ca_certs": "/ca", "ssl_check_hostname": True}),
        (
            "redis+sentinel://:pw@one,two:7/main/4",
            {
                "host": [("one", 26379), ("two", 7)],
                "sentinel": True,
                "sentinel_master": "main",
                "password": "pw",
                "database": 4,
            },
        ),
    ],
)
def test_arqs_check_asks_the_redis_of_the_url(url: str, found: dict[str, object], settings: Settings) -> None:
    settings.REDIS_URL = url
    made = dataclasses.asdict(resilient_redis.for_check())
    assert {name: made[name] for name in found} == found
