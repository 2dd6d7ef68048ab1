"""The worker: `arq worker.WorkerSettings`.

arq carries wake-ups; the ledger is the database. Importing this needs neither Redis nor an event loop,
and fails when an event or a handler does not keep to the rules.
"""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Iterable
from typing import Any, ClassVar

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()

from django.db import Error  # noqa: E402
from redis.asyncio.retry import Retry  # noqa: E402
from redis.backoff import ExponentialBackoff  # noqa: E402
from redis.exceptions import BusyLoadingError, OutOfMemoryError, RedisError  # noqa: E402
from redis.exceptions import ConnectionError as RedisConnectionError  # noqa: E402
from redis.exceptions import TimeoutError as RedisTimeoutError  # noqa: E402

from processing import batch, sweep  # noqa: E402
from receiver import presence, queue  # noqa: E402
from receiver.models import Trigger  # noqa: E402

logger = logging.getLogger(__name__)

processor = batch.load(worker=f"{socket.gethostname()}:{os.getpid()}")

Context = dict[Any, Any]

held: set[int] = set()
"""Ids of the deliveries that are at work."""


async def process(_context: Context, event: str, ids: list[int], trigger: str) -> None:
    """The one arq job: process these deliveries. What it cannot do is left to the sweep."""
    held.update(ids)
    try:
        await processor.process(ids, Trigger(trigger))
    except Error as error:
        logger.error("%d deliveries of %s left to the sweep: %s", len(ids), event, error)  # noqa: TRY400
    finally:
        held.difference_update(ids)


async def on_startup(context: Context) -> None:
    """Start the sweep, and say that this worker is alive."""
    # One line a delivery is enough; arq would write two a job.
    logging.getLogger("arq.worker").setLevel(logging.WARNING)
    redis = context["redis"]
    # arq awaits this in its main task, whose end is the beginning of the worker's.
    main = asyncio.current_task()
    if main is not None:
        main.add_done_callback(patience.stop)

    async def wake(found: Iterable[sweep.Found]) -> None:
        try:
            await queue.enqueue(redis, queue.by_event(found))
        except RedisError as error:
            raise ConnectionError(f"Redis: {error}") from error

    context["sweep"] = asyncio.create_task(sweep.run(wake))
    context["sweep"].add_done_callback(_stop_without_sweep)
    context["presence"] = asyncio.create_task(presence.keep(processor.worker, lambda: held))
    logger.info(
        "worker %s is ready for: %s", processor.worker, ", ".join(sorted(processor.registry.handlers))
    )


def _stop_without_sweep(task: "asyncio.Task[None]") -> None:
    """A worker that cannot sweep must not live on as if nothing were lost."""
    if not task.cancelled():
        logger.critical("the sweep failed: the worker stops", exc_info=task.exception())
        os.kill(os.getpid(), signal.SIGTERM)


async def on_shutdown(context: Context) -> None:
    """Stop both."""
    tasks = [context["sweep"], context["presence"]]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class WhileRunning(Retry):
    """Waits for Redis as long as the worker runs, and no longer: arq alone would end with the connection.

    An outage so costs a worker nothing but its wake-ups, and those the sweep makes good.
    """

    OUTAGES: tuple[Any, ...] = (
        RedisConnectionError,
        RedisTimeoutError,
        BusyLoadingError,
        OutOfMemoryError,
        OSError,
    )

    def __init__(self) -> None:
        super().__init__(ExponentialBackoff(cap=1.0, base=0.05), -1, self.OUTAGES)

    def __deepcopy__(self, _memo: dict[int, Any]) -> "WhileRunning":
        """Itself: redis-py copies what it is given for every connection, and `stop` is for all of them."""
        return self

    def stop(self, _main: "asyncio.Task[Any] | None" = None) -> None:
        """Give up at the next failure."""
        self._retries = 0


patience = WhileRunning()


def _redis_settings() -> Any:
    found = queue.redis_settings()
    found.conn_retries = 30  # seconds to wait for Redis at the start
    found.retry = patience
    found.retry_on_error = list(WhileRunning.OUTAGES)
    return found


class WorkerSettings:
    """What arq's command line reads."""

    functions: ClassVar = [process]
    redis_settings = _redis_settings()
    on_startup = on_startup
    on_shutdown = on_shutdown
    job_serializer = queue.serialize
    job_deserializer = queue.deserialize
    max_jobs = 10
    poll_delay = 0.02  # seconds
    keep_result = 0
    # Longer than any batch: deliveries have time limits and leases of their own.
    job_timeout = 3600
    # Seconds to finish what runs after SIGTERM, before it is given back.
    job_completion_wait = 20
    health_check_interval = 10
    # arq's own would be one for all workers of the queue: the last to end would say that none is left.
    health_check_key = f"arq:health-check:{processor.worker}"
