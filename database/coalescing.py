"""Merges concurrent calls into one write, and retries or splits a write that fails."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from django.db import InterfaceError, OperationalError

from database import threads

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")
Write = Callable[[Sequence[Item]], Sequence[Result]]

# Rows of one write. A larger write costs as much per row, and holds its locks longer.
MAX_ROWS = 2_500
# Attempts at a write that fails because of a deadlock, a lock timeout or a lost connection.
WRITE_ATTEMPTS = 3
# https://www.postgresql.org/docs/current/errcodes-appendix.html
READ_ONLY = "25006"


@dataclass(slots=True)
class _Waiting(Generic[Item, Result]):
    loop: asyncio.AbstractEventLoop | None = None
    items: deque[tuple[Item, asyncio.Future[Result]]] = field(default_factory=deque)
    writers: list[asyncio.Task[None]] = field(default_factory=list)


class Coalescer(Generic[Item, Result]):
    """Wrap a blocking function of many items as an awaitable function of one item.

    `write` runs with all items that are waiting, in the order of their calls: see `outcomes`. The error of an
    item is raised for its caller alone.
    """

    def __init__(
        self,
        write: Write[Item, Result],
        rows: Callable[[Item], int] = lambda _item: 1,
        at_once: int = 1,
    ) -> None:
        """`rows` estimates how many rows an item writes, which bounds the size of a write.

        With more than one write `at_once`, the order of the calls is not that of the commits.
        """
        self._write = write
        self._rows = rows
        self._at_once = at_once
        self._waiting: _Waiting[Item, Result] = _Waiting()

    def __call__(self, item: Item) -> asyncio.Future[Result]:
        """Write the item; the future returns its result, or raises the exception of its write."""
        loop, waiting = asyncio.get_running_loop(), self._waiting
        if waiting.loop is not loop:
            waiting = self._waiting = _Waiting(loop)
        future: asyncio.Future[Result] = loop.create_future()
        waiting.items.append((item, future))
        if len(waiting.items) == 1:
            self._start_writer(waiting)
        return future

    def _start_writer(self, waiting: _Waiting[Item, Result]) -> None:
        # A writer that is done takes no further items, so it does not count.
        waiting.writers = [writer for writer in waiting.writers if not writer.done()]
        if len(waiting.writers) < self._at_once:
            # The task starts after all callers that are ready now have added their items, and is about none.
            waiting.writers.append(asyncio.create_task(self._work(waiting), context=Context()))

    async def _work(self, waiting: _Waiting[Item, Result]) -> None:
        while waiting.items:
            batch = self._take(waiting.items)
            if waiting.items:
                self._start_writer(waiting)
            written = await outcomes(self._write, [item for item, _ in batch])
            for (_, future), outcome in zip(batch, written, strict=True):
                if future.done():
                    continue  # the caller was cancelled
                if isinstance(outcome, BaseException):
                    future.set_exception(outcome)
                else:
                    future.set_result(outcome)

    def _take(
        self, items: deque[tuple[Item, asyncio.Future[Result]]]
    ) -> list[tuple[Item, asyncio.Future[Result]]]:
        batch: list[tuple[Item, asyncio.Future[Result]]] = []
        size = 0
        while items:
            size += self._rows(items[0][0])
            if batch and size > MAX_ROWS:
                break
            item, future = items.popleft()
            if not future.done():
                batch.append((item, future))
        return batch


async def outcomes(write: Write[Item, Result], items: Sequence[Item]) -> list[Result | Exception]:
    """Call `write` with the items in a database thread; return the result or the error of each.

    `write` returns one result for each item, in their order. It must be one transaction, and safe to repeat:
    it is called again after an outage, and with a part of the items to find one that the database rejects.
    """
    if not items:
        return []
    for attempt in range(1, WRITE_ATTEMPTS + 1):
        try:
            results = await threads.run(write, items)
            if len(results) != len(items):  # a caller without a result would wait forever
                raise RuntimeError(f"{len(results)} results for {len(items)} items")  # noqa: TRY301 - as any other
        except Exception as error:  # noqa: BLE001 - returned to the callers
            if is_outage(error) and attempt < WRITE_ATTEMPTS:
                logger.warning("write retried items=%d error=%s", len(items), error)
            elif is_outage(error) or len(items) == 1:
                return [error] * len(items)
            else:
                break
        else:
            return list(results)
    half = len(items) // 2
    return [*await outcomes(write, items[:half]), *await outcomes(write, items[half:])]


def is_outage(error: Exception) -> bool:
    """Return whether the error is temporary and not caused by the rows.

    PostgreSQL also reports a row beyond a limit, such as a key too long for its index, as operational (class
    54), and a database that takes no writes, as a standby, as internal (25006):
    https://www.postgresql.org/docs/current/errcodes-appendix.html
    """
    sqlstate = getattr(error.__cause__, "sqlstate", None) or ""
    operational = isinstance(error, OperationalError | InterfaceError) and not sqlstate.startswith("54")
    return operational or sqlstate == READ_ONLY
