"""The isolating process, which runs suspects: `python -m processing.isolated WORKER LEASE GRACE MODULE…`.

It claims them under the name of its worker and for LEASE seconds, and runs the handlers of the named modules.
It ends when its worker does, when no suspect was due for `LINGER` seconds, and when a handler has blocked it
for GRACE seconds beyond its time limit.
"""

import asyncio
import faulthandler
import importlib
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import Error  # noqa: E402

import database  # noqa: E402
from processing import batch_runner  # noqa: E402
from processing.log_lines import LogLine  # noqa: E402
from processing.running import Conditions  # noqa: E402
from processing.settling import LeaseLostError  # noqa: E402
from telemetry import tracing, writing  # noqa: E402
from telemetry.counts import counts  # noqa: E402

logger = logging.getLogger(__name__)

# Deliveries of one ordering key, and retries, come one after the other.
LINGER = 5.0
LOOK_EVERY = 0.2  # seconds


async def main(worker: str, lease: str, grace: str, *modules: str) -> None:
    """Process suspects until none is due. Raises `django.db.Error` or `LeaseLostError`."""
    database.configure_worker_connections(asyncio.get_running_loop())
    tracing.start(settings.TRACES)
    for module in modules:
        importlib.import_module(module)
    runner = batch_runner.load(worker, timedelta(seconds=float(lease)))
    last = time.monotonic()
    while time.monotonic() < last + LINGER:
        claimed = await database.run(runner.claim_one, suspects=True)
        if claimed is None:
            await asyncio.sleep(LOOK_EVERY)
            continue
        limits = [one.timeout for one in runner.registry.handlers.get(claimed.delivery.event, ())]
        guard = _ending_after(max(limits, default=0.0) + float(grace))
        verdict = await runner.run_alone(claimed, Conditions(), guard)
        logger.info("isolated: %s", LogLine(claimed, verdict))
        await writing.flush(counts, database.run)
        last = time.monotonic()


@contextmanager
def _ending_after(seconds: float) -> Iterator[None]:
    """End the process when handlers block it. A database that hangs afterwards is no fault of theirs."""
    faulthandler.dump_traceback_later(seconds, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def _end_with_worker() -> None:
    """End the process with its standard input. The lease ends then, and another worker takes over."""
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_worker, daemon=True).start()
    try:
        asyncio.run(main(*sys.argv[1:]))
    except (Error, LeaseLostError) as error:
        # An outage of the database is no crash of the delivery, which the worker gives back.
        logger.error("isolated delivery not settled error=%s", error)  # noqa: TRY400 - an outage
    os._exit(0)  # the thread still reads
