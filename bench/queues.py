"""Enqueues jobs as the clients of the peers do. A peer's package is imported only where it takes part."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Mapping
from itertools import islice
from typing import Any

from arq import create_pool
from arq.connections import RedisSettings
from redis.asyncio import Redis as AsyncRedis

Enqueue = Callable[[str, list[int]], Coroutine[Any, Any, None]]
"""Puts a job for each id into the queue at a URL."""

JOB = "process"
AT_ONCE = 50  # concurrent calls


async def to_arq(url: str, arguments: list[Any], job: str = JOB) -> None:
    """Enqueue a job on arq for each argument; None stands for a job without an argument."""
    pool = await create_pool(RedisSettings.from_dsn(url))
    made = (pool.enqueue_job(job, *([] if one is None else [one])) for one in arguments)
    try:
        await _some_at_once(made)
    finally:
        await pool.aclose()


async def to_saq(url: str, ids: list[int]) -> None:
    """Enqueue a job on saq for each id."""
    from saq.queue.redis import RedisQueue  # noqa: PLC0415 - a peer that the tests do not need

    logging.getLogger("saq").setLevel(logging.WARNING)  # it logs every job
    queue = RedisQueue(AsyncRedis.from_url(url))
    try:
        await _some_at_once(queue.enqueue(JOB, pk=pk) for pk in ids)
    finally:
        await queue.disconnect()


async def to_celery(url: str, ids: list[int]) -> None:
    """Enqueue a task on Celery for each id."""
    from celery import Celery  # noqa: PLC0415 - as above

    with Celery(broker=url.replace("unix://", "redis+socket://")) as app:
        for pk in ids:
            app.send_task(JOB, args=[pk])


async def to_dramatiq(url: str, ids: list[int]) -> None:
    """Enqueue a message on Dramatiq for each id."""
    from dramatiq import Message  # noqa: PLC0415 - as above
    from dramatiq.brokers.redis import RedisBroker  # noqa: PLC0415 - as above

    broker = RedisBroker(url=url)
    broker.declare_queue("default")
    for pk in ids:
        broker.enqueue(Message("default", JOB, args=(pk,), kwargs={}, options={}))
    broker.close()


async def to_procrastinate(url: str, ids: list[int]) -> None:
    """Enqueue a job on procrastinate for each id; `url` is that of its database."""
    from procrastinate import App, PsycopgConnector  # noqa: PLC0415 - as above

    async with App(connector=PsycopgConnector(conninfo=url)).open_async() as app:
        await app.configure_task(JOB).batch_defer_async(*({"pk": pk} for pk in ids))


async def _some_at_once(calls: Iterator[Coroutine[Any, Any, Any]]) -> None:
    while portion := list(islice(calls, AT_ONCE)):
        await asyncio.gather(*portion)


CLIENTS: Mapping[str, Enqueue] = {
    "arq": to_arq,
    "saq": to_saq,
    "celery": to_celery,
    "dramatiq": to_dramatiq,
    "procrastinate": to_procrastinate,
}
"""The clients of the queues that the textbook project's job runs on."""
