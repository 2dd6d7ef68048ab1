"""Work that every worker repeats beside its deliveries, such as asking whether a daily operation is due."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from django.db import Error

from database import errors


async def repeat(
    work: Callable[[], Awaitable[object]],
    seconds: float,
    log_outage: Callable[[str], object],
    due: asyncio.Event | None = None,
) -> None:
    """Await `work` until cancelled, with a pause of `seconds` after each time, or until `due` is set.

    `work` clears `due`. An outage of the database is waited out. Its first error is logged, with what
    to do about it.
    """
    away, due = False, due or asyncio.Event()
    while True:
        try:
            await work()
            away = False
        except Error as error:
            if not away:
                log_outage(errors.reason(error))
            away = True
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await due.wait()
