"""Work that every worker repeats beside its deliveries, such as asking whether a daily operation is due."""

import asyncio
from collections.abc import Awaitable, Callable

from django.db import Error


async def repeat(
    work: Callable[[], Awaitable[object]], seconds: float, log_outage: Callable[[Error], object]
) -> None:
    """Await `work` until cancelled, with a pause of `seconds` after each time.

    An outage of the database is waited out, and only its first error is logged.
    """
    away = False
    while True:
        try:
            await work()
            away = False
        except Error as error:
            if not away:
                log_outage(error)
            away = True
        await asyncio.sleep(seconds)
