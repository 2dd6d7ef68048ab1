"""`python -m processing.apart MODULE…`: the process in which suspected deliveries run, one at a time.

Reads one JSON line `[id, claims, trigger]` for each from standard input, processes it with the handlers of
the modules named, under the lease that the worker who asks holds, and answers with a line when it is
settled. It ends when the worker does.
"""

import asyncio
import importlib
import json
import logging
import os
import sys
import threading

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()

from django.db import Error  # noqa: E402

import database  # noqa: E402
from processing import batch, claiming  # noqa: E402
from processing.settling import LeaseLostError  # noqa: E402
from receiver.models import Trigger  # noqa: E402

logger = logging.getLogger(__name__)


async def main(modules: list[str], answers: int) -> None:
    """Serve until standard input ends."""
    database.be_patient()
    for module in modules:
        importlib.import_module(module)
    processor = batch.load(worker="")
    asked: asyncio.Queue[list[str]] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(asked.put_nowait, json.loads(line))
        # The worker is gone, and its lease will end: what runs is not this process's any more.
        os._exit(1)

    threading.Thread(target=read, daemon=True).start()
    while True:
        pk, claims, trigger = await asked.get()
        # A database that is away must not be taken for a crash of the delivery.
        try:
            claimed = await database.run(claiming.resume, int(pk), int(claims))
            if claimed is not None:
                _, told = await asyncio.create_task(
                    database.in_lane(processor.attempt(claimed, Trigger(trigger)))
                )
                logger.info("apart: %s", told)
        except (Error, LeaseLostError) as error:
            logger.error("delivery %s not settled: %s", pk, error)  # noqa: TRY400 - the lease repairs it
        os.write(answers, b"done\n")


if __name__ == "__main__":
    # What handlers print must not be taken for an answer.
    channel = os.dup(1)
    os.dup2(2, 1)
    asyncio.run(main(sys.argv[1:], channel))
