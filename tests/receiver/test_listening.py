"""The listener: begins what it takes, takes nothing without room, and outlives Redis and the database."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
from django.db import OperationalError
from pytest_django.fixtures import Settings
from redis import Redis

from receiver import listening, queue
from receiver.models import Trigger
from tests import processes
from tests.chaos.redis_server import RedisServer


class Begun:
    """What was begun, call by call. From `hold` on they do not end; if `broken`, the database is away."""

    def __init__(self) -> None:
        self.calls: list[tuple[list[int], Trigger]] = []
        self.room = asyncio.Event()
        self.room.set()
        self.entered = 0
        self.hold = 1_000_000
        self.broken = False

    async def begin(self, ids: Sequence[int], trigger: Trigger) -> None:
        self.entered += 1
        if self.entered >= self.hold:
            await asyncio.Event().wait()
        if self.broken:
            raise OperationalError("no such database")
        self.calls.append((list(ids), trigger))

    async def wait_for_room(self) -> None:
        await self.room.wait()

    @property
    def ids(self) -> list[int]:
        return [pk for ids, _ in self.calls for pk in ids]


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Begun:
    monkeypatch.setattr(listening, "AGAIN", 0.02)
    return Begun()


@asynccontextmanager
async def listener(begun: Begun) -> AsyncIterator["asyncio.Task[None]"]:
    """It listens, and at the end is cancelled, if it was not before."""
    task = asyncio.create_task(listening.run(begun.begin, begun.wait_for_room))
    yield task
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def until(true: Callable[[], object], what: str) -> None:
    await asyncio.to_thread(processes.wait_until, true, what)


async def enqueue(*ids: int, trigger: Trigger = Trigger.DELIVERY, event: str = "push") -> None:
    """One job for each."""
    async with queue.connect() as client:
        for pk in ids:
            await queue.enqueue(client, {(event, trigger): [pk]})
            await asyncio.sleep(0.002)  # arq's order is one of milliseconds


def blocked(redis: "Redis") -> int:
    return cast("dict[str, int]", redis.info("clients"))["blocked_clients"]


async def left(redis: "Redis") -> list[int]:
    """The ids that are in Redis, by taking them."""
    begun = Begun()
    async with listener(begun):
        await until(lambda: not redis.zcard(queue.NAME), "nothing is left")
        await until(lambda: blocked(redis), "it waits")
    return sorted(begun.ids)


async def test_what_is_taken_together_is_begun_together_by_what_woke_it(redis: "Redis", begun: Begun) -> None:
    begun.room.clear()
    await enqueue(5)
    await enqueue(4, trigger=Trigger.REDELIVERY)
    await enqueue(1, event="issues")
    async with listener(begun):
        begun.room.set()
        await until(lambda: len(begun.calls) == 2, "all are begun")
    assert begun.calls == [([5, 1], Trigger.DELIVERY), ([4], Trigger.REDELIVERY)]


async def test_jobs_with_few_ids_are_begun_many_together_and_full_ones_no_more_than_fit(
    redis: "Redis", begun: Begun
) -> None:
    few, full = range(1, 54), range(1000, 1000 + 24 * queue.BATCH)
    async with queue.connect() as client:
        for pk in few:
            await queue.enqueue(client, {("push", Trigger.DELIVERY): [pk]})
        # Those that come next are not like those before.
        redis.zadd(queue.NAME, dict.fromkeys(cast("list[bytes]", redis.zrange(queue.NAME, 0, -1)), 1.0))
        await queue.enqueue(client, {("push", Trigger.DELIVERY): full})
    async with listener(begun):
        await until(lambda: len(begun.ids) == len(few) + len(full), "all are begun")
    sizes = [len(ids) for ids, _ in begun.calls]
    assert sizes[:3] == [3, 25, 25]
    assert sizes[3:] == [listening.TOGETHER] * 8
    assert sorted(begun.ids) == [*few, *full]


async def test_nothing_is_taken_where_there_is_no_room(redis: "Redis", begun: Begun) -> None:
    begun.room.clear()
    async with listener(begun):
        await enqueue(*range(1, 4))
        await asyncio.sleep(0.1)
        assert redis.zcard(queue.NAME) == 3
        begun.room.set()
        await until(lambda: begun.ids == [1, 2, 3], "there is room")


async def test_what_was_taken_and_not_begun_when_it_is_told_to_stop_is_in_redis_again(
    redis: "Redis", begun: Begun
) -> None:
    await enqueue(1, 2)
    await enqueue(3, trigger=Trigger.REPLAY)
    begun.hold = 1
    async with listener(begun):
        await until(lambda: begun.entered, "it begins")
        assert redis.zcard(queue.NAME) == 0
    assert begun.ids == []
    assert redis.zcard(queue.NAME) == 2
    assert await left(redis) == [1, 2, 3]


async def test_of_what_was_taken_only_that_is_put_back_which_was_not_begun(
    redis: "Redis", begun: Begun
) -> None:
    await enqueue(1)
    await enqueue(2, trigger=Trigger.REPLAY)
    begun.hold = 2
    async with listener(begun):
        await until(lambda: begun.entered == 2, "it begins the second")
    assert begun.ids == [1]
    assert await left(redis) == [2]


async def test_told_to_stop_while_redis_is_away_it_leaves_to_the_sweep_what_it_has_and_ends(
    begun: Begun, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = RedisServer(tmp_path)
    server.start()
    settings.REDIS_URL = server.url
    try:
        await enqueue(1, 2)
        begun.hold = 1
        async with listener(begun):
            await until(lambda: begun.entered, "it begins")
            await asyncio.to_thread(server.kill)
    finally:
        server.stop()
    assert "did not take 2 deliveries back" in caplog.text


async def test_it_outlives_a_redis_that_is_killed_and_hears_the_next(
    begun: Begun, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = RedisServer(tmp_path)
    settings.REDIS_URL = server.url
    try:
        with caplog.at_level(logging.WARNING):
            async with listener(begun):
                for number in (1, 2, 3):
                    # It is away long enough to be tried in vain several times.
                    await asyncio.sleep(0.2)
                    await asyncio.to_thread(server.start)
                    await enqueue(number)
                    await until(lambda number=number: number in begun.ids, "it hears")  # type: ignore[misc]
                    await asyncio.to_thread(server.kill)
    finally:
        server.stop()
    assert begun.ids == [1, 2, 3]
    told = [record.getMessage() for record in caplog.records]
    assert 3 <= len(told) <= 4
    assert all("the listener waits for Redis" in line for line in told)


async def test_a_redis_that_hangs_is_noticed_and_heard_again(
    begun: Begun,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(listening, "WAIT", 0.2)
    monkeypatch.setattr(queue, "TIMEOUT", 0.2)
    server = RedisServer(tmp_path)
    server.start()
    settings.REDIS_URL = server.url
    try:
        async with listener(begun):
            await enqueue(1)
            await until(lambda: begun.ids == [1], "it hears")
            await asyncio.to_thread(server.hang)
            try:
                await until(lambda: "the listener waits for Redis" in caplog.text, "it notices")
            finally:
                server.go_on()
            await enqueue(2)
            await until(lambda: begun.ids == [1, 2], "it hears again")
    finally:
        server.stop()


async def test_told_to_stop_while_redis_hangs_it_ends_at_once(
    begun: Begun, settings: Settings, tmp_path: Path
) -> None:
    server = RedisServer(tmp_path)
    server.start()
    settings.REDIS_URL = server.url
    try:
        async with listener(begun) as task:
            with server.client() as client:
                await until(lambda: blocked(client), "it waits")
            await asyncio.to_thread(server.hang)
            task.cancel()
            done, _ = await asyncio.wait([task], timeout=1)
            server.go_on()
            assert done
    finally:
        server.stop()


async def test_an_error_of_the_database_is_logged_once_and_the_next_is_begun(
    redis: "Redis", begun: Begun, caplog: pytest.LogCaptureFixture
) -> None:
    begun.broken = True
    async with listener(begun):
        for number in (1, 2):
            await enqueue(number)
            await until(lambda number=number: begun.entered == number, "it fails")  # type: ignore[misc]
        begun.broken = False
        await enqueue(3)
        await until(lambda: begun.ids == [3], "it goes on")
    assert redis.zcard(queue.NAME) == 0
    told = [record.getMessage() for record in caplog.records]
    assert told == ["the listener waits for the database: OperationalError('no such database')"]


class Failing(Begun):
    """A claim that is cancelled gives back what it claimed, and the database may be away by then."""

    async def begin(self, ids: Sequence[int], trigger: Trigger) -> None:
        try:
            await super().begin(ids, trigger)
        except asyncio.CancelledError:
            raise OperationalError("no such database") from None


async def test_an_error_of_the_database_does_not_keep_it_from_its_end(redis: "Redis") -> None:
    begun = Failing()
    begun.hold = 1
    await enqueue(1)
    async with listener(begun) as task:
        await until(lambda: begun.entered, "it begins")
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=5)
        assert done
