"""Concurrent calls become one: what gathers while a write is under way goes with the next."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from django.db import InterfaceError, OperationalError

from database import threads

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")

# Rows of one write: more do not make it cheaper by the row.
MOST = 2_500
# Of a whole write that the database could not do just then: a deadlock, a lock that was not free in time.
ATTEMPTS = 3


@dataclass(slots=True)
class _Waiting(Generic[Item, Result]):
    items: deque[tuple[Item, asyncio.Future[Result]]] = field(default_factory=deque)
    writer: asyncio.Task[None] | None = None


class Coalescer(Generic[Item, Result]):
    """An awaitable function of one item over a blocking function of many.

    `write` is called in a database thread with the items of all who called meanwhile, in the order of
    their calls, and gives a result for each, in that order. It must be one transaction, and safe to repeat.
    An item that the database refuses is found by bisection and raises for its caller alone.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Item]], Sequence[Result]],
        rows: Callable[[Item], int] = lambda _item: 1,
    ) -> None:
        """`rows` tells how many rows an item is, about, so that no write grows without bound."""
        self._write = write
        self._rows = rows
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _Waiting[Item, Result]] = (
            WeakKeyDictionary()
        )

    async def __call__(self, item: Item) -> Result:
        """Have the item written; gives its result, or raises what the write of this item raised."""
        loop = asyncio.get_running_loop()
        waiting = self._loops.get(loop)
        if waiting is None:
            waiting = self._loops[loop] = _Waiting()
        future: asyncio.Future[Result] = loop.create_future()
        waiting.items.append((item, future))
        if waiting.writer is None or waiting.writer.done():
            # It begins after all who are ready to call now have called.
            waiting.writer = asyncio.create_task(self._work(waiting))
        return await future

    async def _work(self, waiting: _Waiting[Item, Result]) -> None:
        while waiting.items:
            batch = self._take(waiting.items)
            outcomes = await self._outcomes([item for item, _ in batch])
            for (_, future), outcome in zip(batch, outcomes, strict=True):
                if future.done():
                    continue  # its caller was cancelled
                if isinstance(outcome, BaseException):
                    future.set_exception(outcome)
                else:
                    future.set_result(outcome)

    def _written(self, items: Sequence[Item]) -> Sequence[Result]:
        results = self._write(items)
        if len(results) != len(items):  # a caller without a result would wait for ever
            raise RuntimeError(f"{len(results)} results for {len(items)} items")
        return results

    def _take(
        self, items: deque[tuple[Item, asyncio.Future[Result]]]
    ) -> list[tuple[Item, asyncio.Future[Result]]]:
        batch: list[tuple[Item, asyncio.Future[Result]]] = []
        size = 0
        while items and (not batch or size + self._rows(items[0][0]) <= MOST):
            item, future = items.popleft()
            if not future.done():
                batch.append((item, future))
                size += self._rows(item)
        return batch

    async def _outcomes(self, items: Sequence[Item]) -> Sequence[Result | BaseException]:
        if not items:
            return []
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await threads.run(self._written, items)
            except Exception as error:  # noqa: BLE001 - handed to those whose items it is about
                if _is_outage(error):
                    if attempt == ATTEMPTS:
                        return [error] * len(items)
                    logger.warning("a write of %d is tried again: %s", len(items), error)
                elif len(items) == 1:
                    return [error]
                else:
                    break
        half = len(items) // 2
        return [*await self._outcomes(items[:half]), *await self._outcomes(items[half:])]


def _is_outage(error: Exception) -> bool:
    """Whether it is about the moment, and not about the rows.

    A row beyond a limit of PostgreSQL, such as a key too long for its index, is called operational, too:
    class 54 of https://www.postgresql.org/docs/current/errcodes-appendix.html
    """
    sqlstate = getattr(error.__cause__, "sqlstate", None) or ""
    return isinstance(error, OperationalError | InterfaceError) and not sqlstate.startswith("54")
