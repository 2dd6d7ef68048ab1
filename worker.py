"""Defines `WorkerSettings` for `arq`: arq's options, and the operations that a worker runs.

arq brings the command line, the signals, the health key and the format of jobs; claims and handlers run
beside its loop. Importing this does nothing. The settings are made when arq asks for them, which fails when
an event or a handler does not keep to the rules.
"""

import asyncio
import gc
import json
import os
import socket
import sys
from typing import TYPE_CHECKING, Any, NoReturn, cast

import django
import uvloop

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from processing.operation_runner import Kinds
    from processing.worker_process import WorkerProcess

# Allocations before a collection, and collections of a younger generation before one of the next. The
# deliveries that a worker holds are more than 100,000 objects, which a collection would visit and keep.
COLLECT = (200_000, 10, 10)


def __getattr__(name: str) -> Any:
    if name == "WorkerSettings":
        if "--check" in sys.argv:
            check()
        return settings_class(process())
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def check() -> NoReturn:
    """End `arq --check`: with 0 if Redis has the heartbeat of a worker of this host, else with 1 and why."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
    from configuration.stopping import stop  # noqa: PLC0415 - a worker needs neither
    from ledger import heartbeats  # noqa: PLC0415 - as above

    workers, error = heartbeats.read_or_error()
    if not any(one.worker.startswith(f"{socket.gethostname()}:") for one in workers):
        stop(error or "no worker of this host is alive")
    raise SystemExit(0)


def process(**options: Any) -> "WorkerProcess":
    """Return the worker of this program; `options` are those of `WorkerProcess`."""
    # Collections during the imports cost a tenth of the start, and find no garbage.
    gc.disable()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
    django.setup()
    # arq takes the loop that is set. This one spends less on each of a delivery's many small steps.
    asyncio.set_event_loop(uvloop.new_event_loop())
    from processing.worker_process import WorkerProcess  # noqa: PLC0415 - Django must be set up before

    kinds, background = work()
    made = WorkerProcess(kinds, background=background, **options)
    # The imported objects stay, so no later collection looks at them.
    gc.freeze()
    gc.set_threshold(*COLLECT)
    gc.enable()
    return made


def work() -> "tuple[Kinds, Sequence[Callable[[], Coroutine[Any, Any, None]]]]":
    """Return the function of each kind of operation, and the tasks that run until the worker stops.

    Packages above `processing` add theirs here. Those that call GitHub's API need its credential.
    """
    from django.conf import settings  # noqa: PLC0415 - Django must be set up before

    from ledger import pruning, replays, stats  # noqa: PLC0415 - as above

    kinds, background = {"replay": replays.portion, "prune": pruning.portion}, (stats.run, pruning.run)
    if not (settings.GITHUB_TOKEN or settings.GITHUB_APP_ID):
        return kinds, background
    from upstream import automatic, client  # noqa: PLC0415 - they are loaded where they are used
    from upstream.recovery import Recovery  # noqa: PLC0415 - as above
    from upstream.sync import Sync  # noqa: PLC0415 - as above

    # One client for all: GitHub counts the requests of a credential together.
    shared = client.for_operations()
    kinds = {**kinds, "recover": Recovery(shared).portion, "sync": Sync(shared).portion}
    return kinds, (*background, automatic.run) if settings.RECOVER_EVERY else background


async def process_event(_context: dict[Any, Any], _event: str) -> None:
    """Do nothing: a job says that deliveries of an event are due, and the consumer claims them."""


def settings_class(worker: "WorkerProcess") -> Any:
    """Return the class that arq's command line reads."""
    from arq.typing import WorkerCoroutine  # noqa: PLC0415 - needed when the worker starts
    from arq.worker import func  # noqa: PLC0415 - as above

    from receiver import queue  # noqa: PLC0415 - as above

    worker.start(asyncio.get_event_loop())

    class WorkerSettings:
        functions = (func(cast(WorkerCoroutine, process_event), name=queue.FUNCTION),)
        redis_pool = worker.redis
        queue_name = queue.NAME
        on_shutdown = worker.stop
        job_serializer = queue.serialize
        job_deserializer = json.loads
        # The consumer takes the jobs, many at once; see docs/decisions/0025.
        max_jobs = 0
        health_check_interval = 10  # seconds; arq's own key, for programs that read it

    return WorkerSettings
