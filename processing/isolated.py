"""`python -m processing.isolated MODULE…`: the process in which suspected deliveries run, one at a time.

It reads a JSON line `[id, claims]` for each from standard input, answers `began` before the handlers of the
named modules run, under the lease of the worker that asks, and `done` or `failed` afterwards. It ends when
that worker does, and when it is idle for `LINGER` seconds.
"""

import asyncio
import importlib
import json
import logging
import os
import sys
import threading
from collections.abc import Callable

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import Error  # noqa: E402

import database  # noqa: E402
from processing import batch_runner, claiming, settling  # noqa: E402
from processing.batch_runner import BatchRunner  # noqa: E402
from processing.log_lines import LogLine  # noqa: E402
from processing.running import Conditions  # noqa: E402
from processing.settling import LeaseLostError  # noqa: E402
from telemetry import logs, tracing, writing  # noqa: E402
from telemetry.counts import counts  # noqa: E402

logger = logging.getLogger(__name__)

# Seconds for which an idle process stays: deliveries of one ordering key come one after the other.
LINGER = 5.0


async def main(modules: list[str], answer: Callable[[str], object]) -> None:
    """Serve until standard input ends."""
    database.extend_lock_timeout()
    tracing.start(settings.TRACES)
    for module in modules:
        importlib.import_module(module)
    runner = batch_runner.load(worker="")
    asked: asyncio.Queue[list[int]] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(asked.put_nowait, json.loads(line))
        # The worker is gone, so its lease ends and another takes over.
        os._exit(1)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            async with asyncio.timeout(LINGER):
                pk, claims = await asked.get()
        except TimeoutError:
            os._exit(0)  # the thread still reads
        try:
            await process(runner, pk, claims, answer)
        except (Error, LeaseLostError) as error:
            # An outage of the database is no crash of the delivery.
            logger.error("not settled id=%d error=%s", pk, error)  # noqa: TRY400 - its lease ends
            answer("failed\n")
        else:
            answer("done\n")
        await writing.flush(counts, database.run)


async def process(runner: BatchRunner, pk: int, claims: int, answer: Callable[[str], object]) -> None:
    """Run and settle one delivery, if its lease still holds."""
    claimed = await database.run(claiming.resume, pk, claims)
    if claimed is None:
        return
    answer("began\n")
    logs.about(claimed.delivery)
    await runner.read([claimed])
    verdict = await asyncio.create_task(database.in_orm_thread(runner.attempt(claimed, Conditions())))
    await settling.settle(claimed, verdict)
    logger.info("isolated: %s", LogLine(claimed, verdict))


if __name__ == "__main__":
    # Output of handlers must not look like an answer.
    channel = os.dup(1)
    os.dup2(2, 1)
    asyncio.run(main(sys.argv[1:], lambda text: os.write(channel, text.encode())))
