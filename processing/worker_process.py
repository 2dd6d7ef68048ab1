"""One worker process: which background tasks it has, how it starts, and in which order and time it stops."""

import asyncio
import faulthandler
import logging
import os
import signal
import socket
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from secrets import token_hex
from typing import Any

from django.conf import settings

import database
from processing import batch_runner, blocking, claiming, consumer, heartbeat, resilient_redis
from processing.operation_runner import Kinds, OperationRunner
from telemetry import logs, tracing, writing
from telemetry.counts import counts

logger = logging.getLogger(__name__)

# Seconds beyond WORKER_GRACE for giving back claims, again for the other tasks, and for closing connections.
END_WITHIN = 3.0
# Leases for which the event loop may be blocked; then the process ends.
BLOCKED_LEASES = 2.0


class WorkerProcess:
    """The tasks of a worker, which run beside arq's loop."""

    def __init__(
        self,
        kinds: Kinds,
        lease: timedelta = claiming.LEASE,
        background: Sequence[Callable[[], Coroutine[Any, Any, None]]] = (),
    ) -> None:
        """`kinds` are the operations that it runs; `lease` is the length of its leases.

        Each function of `background` runs until the worker stops.
        """
        # A restarted container has the same host name and process id; its leases must not have the same name.
        self.name = f"{socket.gethostname()}:{os.getpid()}:{token_hex(3)}"
        self.runner = batch_runner.load(self.name, lease)
        self.redis = resilient_redis.connect()
        self.operations = OperationRunner(self.name, kinds, lease)
        self._background = background
        self._claiming: list[asyncio.Task[None]] = []
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin with the event loop, which need not run yet. Redis may be away, for which arq would wait."""
        logs.bind(worker=self.name)
        tracing.start(settings.TRACES)
        database.configure_worker_connections(loop)
        loop.call_soon(_take_over_logging)
        if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:  # under `nohup` it is ignored
            loop.add_signal_handler(signal.SIGHUP, os.kill, os.getpid(), signal.SIGTERM)
        self._claiming = _start(
            loop,
            self.runner.run(settings.WORKER_GRACE),
            consumer.listen(self.runner, self.redis, self.operations.due.set),
            self.operations.run(),
            *(work() for work in self._background),
        )
        self._tasks = _start(
            loop,
            self.runner.leases.keep(),
            writing.keep(counts, database.run),
            heartbeat.keep(self.redis, self.name, lambda: [pk for pk, *_ in self.runner.leases.held]),
            blocking.watch(BLOCKED_LEASES * self.runner.leases.length.total_seconds()),
        )
        events = ",".join(sorted(self.runner.registry.handlers))
        logger.info("worker started version=%s name=%s events=%s", settings.VERSION, self.name, events)

    async def stop(self, _context: dict[Any, Any] | None = None) -> None:
        """Claim no more; let what runs end within the grace, or give it back. Returns in time in any case."""
        if not await _end(self._claiming, settings.WORKER_GRACE + END_WITHIN):
            logger.warning("claims not given back reason=the database does not answer")
        await _end(self._tasks, END_WITHIN)
        await database.close_within(END_WITHIN)
        # The interpreter waits for a thread that a handler left, such as one of `to_thread`. Stderr names it.
        faulthandler.dump_traceback_later(END_WITHIN, exit=True)


def _take_over_logging() -> None:
    """Write arq's warnings as all other lines. Its command line configures its loggers after the import."""
    arq = logging.getLogger("arq")
    arq.setLevel(logging.WARNING)  # its start and its jobs, which do nothing, need no lines
    arq.handlers.clear()
    # No line shows them: https://docs.python.org/3/howto/logging.html#optimization
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None


def _start(loop: asyncio.AbstractEventLoop, *works: Coroutine[Any, Any, None]) -> "list[asyncio.Task[None]]":
    tasks = [loop.create_task(work) for work in works]
    for task in tasks:
        task.add_done_callback(_stop_without)
    return tasks


def _stop_without(task: "asyncio.Task[None]") -> None:
    """Stop the worker: without its consumer or its leases it would hold deliveries that it cannot settle."""
    if not task.cancelled():
        logger.critical("background task failed; shutting down", exc_info=task.exception())
        os.kill(os.getpid(), signal.SIGTERM)


async def _end(tasks: "list[asyncio.Task[None]]", within: float) -> bool:
    """Cancel these tasks; return whether they ended in time. The others end when the connections are cut."""
    for task in tasks:
        task.cancel()
    return not (await asyncio.wait(tasks, timeout=within))[1]
