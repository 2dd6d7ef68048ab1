"""Jobs are taken out of arq's queue: several at once, each by one alone, when they come."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from typing import Any, cast
from uuid import uuid4

import pytest
from arq.connections import ArqRedis
from arq.constants import default_queue_name, job_key_prefix
from arq.typing import WorkerCoroutine
from arq.worker import Worker, func
from pytest_django.fixtures import Settings
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from receiver import queue, taking
from receiver.models import Trigger
from receiver.taking import Wakeup
from tests import processes

LONG = 20.0  # seconds, which no test waits for


@pytest.fixture
async def client(redis: "Redis", settings: Settings) -> AsyncIterator["AsyncRedis"]:
    async with AsyncRedis.from_url(settings.REDIS_URL) as client:
        yield client


def wakeups(*ids: int) -> list[Wakeup]:
    return [Wakeup("push", [pk], Trigger.DELIVERY) for pk in ids]


async def enqueued(client: "AsyncRedis", *ids: int) -> None:
    """One job for each."""
    for pk in ids:
        await queue.enqueue(client, {("push", Trigger.DELIVERY): [pk]})


async def waiting(redis: "Redis") -> None:
    """Until somebody waits in Redis for a job."""

    def somebody() -> int:
        return cast("dict[str, int]", redis.info("clients"))["blocked_clients"]

    await asyncio.to_thread(processes.wait_until, somebody, "somebody waits")


def unlike_any(redis: "Redis", body: bytes | None) -> None:
    """A job of this body in the queue, before those that are enqueued now."""
    name = uuid4().hex
    if body is not None:
        redis.set(job_key_prefix + name, body)
    redis.zadd(default_queue_name, {name: 1})


async def test_several_jobs_are_taken_at_once_the_oldest_first_and_leave_nothing(
    redis: "Redis", client: "AsyncRedis"
) -> None:
    for pk in range(1, 8):
        await enqueued(client, pk)
        await asyncio.sleep(0.002)  # arq's order is one of milliseconds
    before = cast("dict[str, int]", redis.info("stats"))["total_commands_processed"]
    assert await taking.take(client, 5, LONG) == wakeups(1, 2, 3, 4, 5)
    after = cast("dict[str, int]", redis.info("stats"))["total_commands_processed"]
    assert after - before <= 4  # ZPOPMIN, MGET, DEL, and this question
    assert await taking.take(client, 5, LONG) == wakeups(6, 7)
    assert redis.keys("*") == []


async def test_what_was_enqueued_is_what_is_taken(client: "AsyncRedis") -> None:
    due = {("push", Trigger.DELIVERY): [3, 1, 2], ("issues", Trigger.REPLAY): [2**63 - 1]}
    await queue.enqueue(client, due)
    taken = await taking.take(client, 5, LONG)
    assert {(one.event, one.trigger): one.ids for one in taken} == due


async def test_a_job_of_arqs_own_is_taken_as_well(redis: "Redis", client: "AsyncRedis") -> None:
    arqs = ArqRedis(client.connection_pool, job_serializer=queue.serialize)
    await arqs.enqueue_job(queue.FUNCTION, "push", [1], "delivery")
    assert await taking.take(client, 5, LONG) == wakeups(1)


async def test_of_two_who_take_nobody_gets_what_the_other_has(
    client: "AsyncRedis", settings: Settings
) -> None:
    ids = list(range(1, 201))
    await enqueued(client, *ids)

    async def all_of(one: "AsyncRedis") -> list[int]:
        taken: list[int] = []
        while some := await taking.take(one, 3, 0.1):
            taken += [pk for wakeup in some for pk in wakeup.ids]
        return taken

    async with AsyncRedis.from_url(settings.REDIS_URL) as other:
        first, second = await asyncio.gather(all_of(client), all_of(other))
    assert first
    assert second
    assert sorted(first + second) == ids


async def test_who_waits_is_woken_at_once_and_gets_all_of_a_group(
    redis: "Redis", client: "AsyncRedis"
) -> None:
    taker = asyncio.create_task(taking.take(client, 5, LONG))
    await waiting(redis)
    async with queue.connect() as sender:
        start = time.perf_counter()
        events = ("push", "issues", "release")
        await queue.enqueue(sender, {(event, Trigger.DELIVERY): [1] for event in events})
        async with asyncio.timeout(LONG / 2):
            taken = await taker
    assert time.perf_counter() - start < 1
    assert taken
    # The first of the group wakes; the rest is there by then, or is taken with the next call.
    rest = await taking.take(client, 5, 0.1) if len(taken) < 3 else []
    assert sorted(one.event for one in [*taken, *rest]) == ["issues", "push", "release"]


async def test_who_waits_in_vain_gets_nothing_after_his_time(client: "AsyncRedis") -> None:
    start = time.perf_counter()
    assert await taking.take(client, 5, 0.2) == []
    assert 0.1 < time.perf_counter() - start < LONG


def job(**changes: Any) -> bytes:
    """A job as it should be, and changed."""
    good: dict[str, Any] = {"t": None, "f": "process", "a": ["push", [1], "delivery"], "k": {}, "et": 1}
    return json.dumps({**good, **changes}).encode()


@pytest.mark.parametrize(
    "body",
    [
        None,
        b"",
        b"\x80\x04]\x94.",  # pickled, as arq does by itself
        b"[]",
        b'{"f": "process"}',
        b"[" * 100_000,
        job(f="other"),
        job(k={"ids": [1]}),
        job(a=["push", [1]]),
        job(a="abc"),
        job(a=[None, [1], "delivery"]),
        job(a=["push", 1, "delivery"]),
        job(a=["push", ["1"], "delivery"]),
        job(a=["push", [True], "delivery"]),
        job(a=["push", [0], "delivery"]),
        job(a=["push", [2**63], "delivery"]),
        job(a=["push", [1], "whim"]),
        job(a=["push", [1], ["delivery"]]),
    ],
    ids=lambda body: repr(body)[:40],
)
async def test_what_is_no_wake_up_is_dropped_with_a_warning_and_the_rest_is_taken(
    redis: "Redis", client: "AsyncRedis", caplog: pytest.LogCaptureFixture, body: bytes | None
) -> None:
    unlike_any(redis, body)
    await enqueued(client, 7)
    with caplog.at_level(logging.WARNING):
        assert await taking.take(client, 5, LONG) == wakeups(7)
    assert len(caplog.records) == 1
    assert len(caplog.text) < 1000
    assert redis.keys("*") == []


async def test_a_cancelled_call_that_waits_leaves_a_client_that_hears_only_its_own_answers(
    redis: "Redis", client: "AsyncRedis"
) -> None:
    for pk in range(1, 21):
        taker = asyncio.create_task(taking.take(client, 5, LONG))
        await waiting(redis)
        taker.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taker
        assert await client.echo("mine") == b"mine"
        await enqueued(client, pk)
        assert await taking.take(client, 5, LONG) == wakeups(pk)


async def test_a_call_that_is_cancelled_while_it_takes_puts_back_what_it_had(
    redis: "Redis", client: "AsyncRedis"
) -> None:
    await enqueued(client, 1, 2, 3)
    # Every await of the call is one of these turns of the loop, and later ones find it ended.
    for turns in range(40):
        taker = asyncio.create_task(taking.take(client, 5, LONG))
        for _ in range(turns):
            await asyncio.sleep(0)
        taker.cancel()
        result = (await asyncio.gather(taker, return_exceptions=True))[0]
        if not isinstance(result, BaseException):
            await taking.put_back(client, result)
        assert redis.zcard(queue.NAME) == len(cast("list[bytes]", redis.keys("arq:job:*")))
        assert sum(len(one["a"][1]) for one in bodies(redis)) == 3
    assert sorted(pk for one in bodies(redis) for pk in one["a"][1]) == [1, 2, 3]


def bodies(redis: "Redis") -> list[dict[str, Any]]:
    keys = cast("list[bytes]", redis.keys("arq:job:*"))
    return [json.loads(cast("bytes", redis.get(key))) for key in keys]


async def test_arq_at_the_same_queue_takes_what_it_gets_and_stumbles_over_nothing(
    redis: "Redis", client: "AsyncRedis", settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    seen: set[int] = set()

    async def process(_context: dict[str, Any], _event: str, ids: list[int], _trigger: str) -> None:
        seen.update(ids)

    arqs = ArqRedis.from_url(settings.REDIS_URL)
    worker = Worker(
        [func(cast("WorkerCoroutine", process), name=queue.FUNCTION)],
        redis_pool=arqs,
        poll_delay=0.001,
        max_jobs=1,
        queue_read_limit=1,
        keep_result=0,
        handle_signals=False,
        job_deserializer=queue.deserialize,
        job_serializer=queue.serialize,
    )
    arq = asyncio.create_task(worker.async_run())
    for start in range(1, 401, 4):
        await enqueued(client, *range(start, start + 4))
        for wakeup in await taking.take(client, 2, 0.01):
            seen.update(wakeup.ids)
    while some := await taking.take(client, 5, 0.1):
        seen.update(pk for wakeup in some for pk in wakeup.ids)
    await asyncio.gather(*worker.tasks.values())
    assert not arq.done()
    assert worker.jobs_complete > 0
    # A job that was taken while arq was about to run it arq calls expired; and somebody has.
    assert {record.msg for record in caplog.records if record.levelno > logging.INFO} <= {
        "job %s expired",
        "job %r has no body: arq ran it, or it has expired",
    }
    assert seen == set(range(1, 401))
    assert redis.keys("*") in ([], [b"arq:queue:health-check"])
    arq.cancel()
    await asyncio.gather(arq, return_exceptions=True)
    await worker.close()
