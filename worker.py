"""The worker: `arq worker.WorkerSettings`.

arq runs it, and its jobs are the wake-ups, which the listener takes; the ledger is the database. Importing
this needs neither Redis nor an event loop, and fails when an event or a handler does not keep to the rules.
"""

import asyncio
import faulthandler
import gc
import logging
import os
import signal
import socket
from collections.abc import Sequence
from typing import Any, ClassVar

import django
import uvloop

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import Error  # noqa: E402

import database  # noqa: E402
from processing import batch, sweep  # noqa: E402
from processing.crew import Crew  # noqa: E402
from receiver import listening, patience, presence, queue  # noqa: E402
from receiver.models import Trigger  # noqa: E402

logger = logging.getLogger(__name__)

# Deliveries that only the sweep may begin, so that a full queue leaves it room.
RESERVE = 200
# Seconds that a job of arq's waits for room; after that its deliveries are the sweep's to find.
ROOM_WITHIN = 30.0
# Allocations before a collection, and collections of a younger generation before one of the next.
COLLECT = (50_000, 10, 10)
# Of the time to stop in, what arq's jobs may take, which only claim.
JOBS_SHARE = 0.25

# arq takes the loop that is set; this one spends less on each of a delivery's many small steps.
asyncio.set_event_loop(uvloop.new_event_loop())

database.be_patient()
processor = batch.load(worker=f"{socket.gethostname()}:{os.getpid()}")
crew = Crew(processor)
redis = patience.connect()

Context = dict[Any, Any]


async def process(_context: Context, event: str, ids: list[int], trigger: str) -> None:
    """The one arq job: begin these deliveries. What it cannot do is left to the sweep.

    arq seldom finds one, for the listener is there before it.
    """
    try:
        async with asyncio.timeout(ROOM_WITHIN):
            await crew.begin(ids, Trigger(trigger))
    except TimeoutError:
        logger.warning("too much is at work: %d deliveries of %s left to the sweep", len(ids), event)
    except Error as error:
        logger.error("%d deliveries of %s left to the sweep: %s", len(ids), event, error)  # noqa: TRY400


async def on_startup(context: Context) -> None:
    """Start the listener, the sweep, what keeps the leases, and who watches over the event loop."""
    # One line a delivery is enough; arq would write two a job.
    arqs = logging.getLogger("arq.worker")
    arqs.setLevel(logging.WARNING)
    # That is what arq takes a job for which the listener took while arq was about to.
    arqs.addFilter(lambda record: record.msg != "job %s expired")
    # No line tells them: https://docs.python.org/3/howto/logging.html#optimization
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # where a line was logged, which no line tells either
    # What was imported stays: the collector need not look at it again and again, nor after every few hundred
    # of the many short-lived objects that payloads are.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT)
    # arq awaits this in its main task, whose end is the beginning of the worker's.
    main = asyncio.current_task()
    if main is not None:
        main.add_done_callback(lambda _: redis.stop())

    async def sweep_begins(ids: Sequence[int], trigger: Trigger) -> None:
        await crew.begin(ids, trigger, beyond=RESERVE)

    context["listener"] = asyncio.create_task(listening.run(crew.begin, processor.leases.room))
    context["sweep"] = asyncio.create_task(sweep.run(sweep_begins))
    context["tasks"] = [asyncio.create_task(processor.leases.keep()), asyncio.create_task(_watch())]
    for task in (context["listener"], context["sweep"], *context["tasks"]):
        task.add_done_callback(_stop_without)
    context["presence"] = asyncio.create_task(presence.keep(processor.worker, _held))
    logger.info(
        "worker %s is ready for: %s", processor.worker, ", ".join(sorted(processor.registry.handlers))
    )


def _held() -> list[int]:
    return [claimed.delivery.id for claimed in processor.leases.held]


async def _watch() -> None:
    """End the process, with what it was doing on stderr, when the event loop is blocked for two leases.

    A handler that blocks it would otherwise keep the worker from everything, for good. A database that is
    away blocks only threads.
    """
    lease = processor.leases.length.total_seconds()
    while True:
        faulthandler.dump_traceback_later(2 * lease, exit=True)
        await asyncio.sleep(lease / 3)


def _stop_without(task: "asyncio.Task[None]") -> None:
    """A worker that cannot sweep or keep its leases must not live on as if nothing were lost."""
    if not task.cancelled():
        logger.critical("a part of the worker failed: it stops", exc_info=task.exception())
        os.kill(os.getpid(), signal.SIGTERM)


async def on_shutdown(context: Context) -> None:
    """Claim no more; let what runs end, or give it back in time."""
    listener, sweeping = context["listener"], context["sweep"]
    listener.cancel()
    sweeping.cancel()
    await crew.end(settings.WORKER_GRACE * (1 - JOBS_SHARE))
    # The sweep once more: where an error of the database came in the way, it goes on after the first time.
    others = [sweeping, *context["tasks"], context["presence"]]
    for task in others:
        task.cancel()
    await asyncio.gather(listener, *others, return_exceptions=True)
    faulthandler.cancel_dump_traceback_later()
    await asyncio.to_thread(database.close)


class WorkerSettings:
    """What arq's command line reads."""

    functions: ClassVar = [process]
    redis_pool = redis
    queue_name = queue.NAME
    on_startup = on_startup
    on_shutdown = on_shutdown
    job_serializer = queue.serialize
    job_deserializer = queue.deserialize
    # The listener takes the jobs. arq looks for one now and then, and at the oldest alone: whatever keeps it
    # from running that one, the listener takes it from there.
    max_jobs = 1
    queue_read_limit = 1
    poll_delay = 0.5  # seconds
    keep_result = 0
    job_timeout = 2 * ROOM_WITHIN
    # A job only claims, so this is short; what it began ends in on_shutdown.
    job_completion_wait = settings.WORKER_GRACE * JOBS_SHARE
    health_check_interval = 10
    health_check_key = f"{queue.NAME}:health-check:{processor.worker}"
