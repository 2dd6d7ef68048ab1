"""The end of a worker whose PostgreSQL hangs in the middle of a transaction.

It opens the connections of all database threads, and logs `connected`. At SIGUSR1 it begins a transaction
in one of them and closes all.
"""

import asyncio
import logging
import os
import signal
from threading import Barrier

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()

from django.db import connection, transaction  # noqa: E402

import database  # noqa: E402
from database import threads  # noqa: E402

logger = logging.getLogger(__name__)
# Seconds. The test waits for all of it, and a statement without an answer ends by itself after 20.
END_WITHIN = 1.0
begun = asyncio.Event()


def query(together: Barrier) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    together.wait()


@transaction.atomic
def work(loop: asyncio.AbstractEventLoop) -> None:
    loop.call_soon_threadsafe(begun.set)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


async def main() -> None:
    loop, hangs = asyncio.get_running_loop(), asyncio.Event()
    database.configure_worker_connections(loop)
    together = Barrier(threads.THREADS)
    await asyncio.gather(*(database.run(query, together) for _ in range(threads.THREADS)))
    loop.add_signal_handler(signal.SIGUSR1, hangs.set)
    logger.warning("connected")
    await hangs.wait()
    cut = asyncio.ensure_future(database.run(work, loop))
    await begun.wait()
    await database.close_within(END_WITHIN)
    cut.cancel()


logging.basicConfig()
asyncio.run(main())
