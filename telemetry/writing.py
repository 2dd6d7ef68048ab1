"""Adds a process's counts to the table, every few seconds and at its end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from django.db import Error

from database import row_sets
from telemetry.counts import Cell, Counts

logger = logging.getLogger(__name__)

# Seconds between two writes; Prometheus looks every 15 seconds, or less often.
WRITE_INTERVAL = 2.0
_COLUMNS = {
    "name": "text", "first": "text", "second": "text", "position": "smallint", "value": "bigint",
}  # fmt: skip

Run = Callable[[Callable[[Sequence[Cell]], None], Sequence[Cell]], Awaitable[None]]
"""Calls a function where this process may use the database."""


def write(cells: Sequence[Cell]) -> None:
    """Add sorted cells: the order prevents deadlocks of processes. Raises `django.db.Error`."""
    row_sets.execute(
        f"""
        INSERT INTO telemetry_count (name, first, second, position, value)
        SELECT name, first, second, position, value FROM {row_sets.relation(_COLUMNS)} WHERE true
        ON CONFLICT (name, first, second, position)
        DO UPDATE SET value = telemetry_count.value + excluded.value
        """,  # noqa: S608 - the text is our own
        row_sets.parameters(_COLUMNS, cells),
    )


async def flush(counts: Counts, run: Run, *, log: bool = True) -> bool:
    """Write the counts; return whether they are written. The others are kept for the next time."""
    cells = counts.take()
    if not cells:
        return True
    try:
        await run(write, cells)
    except Error as error:
        if log:
            logger.warning("counts not written count=%d error=%s", len(cells), type(error).__name__)
        counts.put_back(cells)
        return False
    except asyncio.CancelledError:
        # It may be written all the same; a count too many is better than a lost one.
        counts.put_back(cells)
        raise
    return True


async def keep(counts: Counts, run: Run, interval: float = WRITE_INTERVAL) -> None:
    """Write at this interval, until cancelled, and then once more. An outage is logged once."""
    written = True
    try:
        while True:
            await asyncio.sleep(interval)
            written = await flush(counts, run, log=written)
    finally:
        await flush(counts, run, log=written)
