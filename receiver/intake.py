"""Group commit: concurrent requests share one transaction, each answered only after the commit.

The first arrival is written at once. Those that come while a commit runs form the next batch, so that a
lone request waits for nobody and a crowd waits for one commit, not for one each.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from weakref import WeakKeyDictionary

from django.db import connection

from receiver import store
from receiver.arrivals import Arrival
from receiver.postgresql import PostgresWriter
from receiver.queue import wakeups
from receiver.sqlite import SqliteWriter
from receiver.store import DownError, Receipt, RefusedError, Stored, Writer

logger = logging.getLogger(__name__)

MAX_BATCH = 100
# While a batch is being committed, this many must wait before another is begun beside it.
WORTH_A_BATCH = 12
MAX_BATCH_BYTES = 8 * 1024 * 1024
# Seconds. GitHub gives up after ten: https://docs.github.com/webhooks/using-webhooks/best-practices
ANSWER_WITHIN = 8.5
# Seconds. While the store is down one request in so long tries it; the others are told at once.
TRY_AGAIN_AFTER = 1.0

Waiting = tuple[Arrival, "asyncio.Future[Stored]"]


class StoreDownError(Exception):
    """The arrival could not be committed, or not in time; the sender must be told to come again."""


class Intake:
    """The waiting arrivals of one event loop, and what writes them: as many batches at once as writers."""

    def __init__(self, *writers: Writer) -> None:
        self.writers = writers
        self._idle = list(writers)
        self._waiting: deque[Waiting] = deque()
        self._writing: set[asyncio.Task[None]] = set()
        self._down = False
        self._try_again_at = 0.0

    async def keep(self, arrival: Arrival, since: float | None = None) -> Stored:
        """Commit `arrival` and wake a worker; raises `StoreDownError` when that cannot be done in time.

        `since` is the loop's time when the request began; its answer is due `ANSWER_WITHIN` of it. A
        caller that is cancelled leaves a whole row or none.
        """
        loop = asyncio.get_running_loop()
        if self._down and (self._writing or loop.time() < self._try_again_at):
            raise StoreDownError("not stored: the store is down")
        future: asyncio.Future[Stored] = loop.create_future()
        timer = loop.call_at((since or loop.time()) + ANSWER_WITHIN, _give_up, future)
        self._waiting.append((arrival, future))
        if self._idle and (not self._writing or len(self._waiting) >= WORTH_A_BATCH):
            task = asyncio.create_task(self._write(self._idle.pop()))
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)
        try:
            return await future
        finally:
            timer.cancel()

    async def close(self) -> None:
        """Commit what is waiting, then give the connections back."""
        await asyncio.gather(*self._writing)
        for writer in self.writers:
            await writer.close()

    async def _write(self, writer: Writer) -> None:
        while self._waiting:
            batch = self._take()
            results = await self._store(writer, [arrival for arrival, _ in batch])
            for (_, future), result in zip(batch, results, strict=True):
                if isinstance(result, Stored):
                    if result.receipt is not Receipt.DUPLICATE:
                        wakeups().wake(result)
                    if not future.done():
                        future.set_result(result)
                elif not future.done():
                    future.set_exception(result)
        self._idle.append(writer)

    def _take(self) -> list[Waiting]:
        """The next batch: those that wait longest, without who has gone or was told 503 by now."""
        batch: list[Waiting] = []
        size = 0
        while self._waiting and len(batch) < MAX_BATCH and size < MAX_BATCH_BYTES:
            arrival, future = self._waiting.popleft()
            if not future.done():
                batch.append((arrival, future))
                size += len(arrival.body)
        return batch

    async def _store(self, writer: Writer, arrivals: Sequence[Arrival]) -> Sequence[Stored | Exception]:
        """What became of each; a row that the database refuses is found by bisection and fails alone."""
        if not arrivals:
            return []
        try:
            stored = await store.store(writer, arrivals)
        except RefusedError as error:
            if len(arrivals) == 1:
                logger.error("refused by the database: %s", error)  # noqa: TRY400 - the sender is told 503
                return [StoreDownError(f"not stored: {error}")]
            half = len(arrivals) // 2
            return [*await self._store(writer, arrivals[:half]), *await self._store(writer, arrivals[half:])]
        except DownError as error:
            self._go_down(error)
            return [StoreDownError(f"not stored: {error}")] * len(arrivals)
        except Exception as error:  # noqa: BLE001 - a defect: each request of the batch raises it as a 500
            return [error] * len(arrivals)
        self._down = False
        return stored

    def _go_down(self, error: DownError) -> None:
        """From now on one request at a time tries the store; those that wait for it are told at once."""
        self._down = True
        self._try_again_at = asyncio.get_running_loop().time() + TRY_AGAIN_AFTER
        while self._waiting:
            _, future = self._waiting.popleft()
            if not future.done():
                future.set_exception(StoreDownError(f"not stored: {error}"))


def _give_up(future: "asyncio.Future[Stored]") -> None:
    if not future.done():
        future.set_exception(StoreDownError(f"not stored within {ANSWER_WITHIN:g} seconds"))


_intakes: WeakKeyDictionary[asyncio.AbstractEventLoop, Intake] = WeakKeyDictionary()


def intake() -> Intake:
    """The intake of the running event loop."""
    loop = asyncio.get_running_loop()
    found = _intakes.get(loop)
    if found is None:
        # PostgreSQL commits one batch while the next is parsed; SQLite has one writer at a time.
        found = (
            Intake(PostgresWriter(), PostgresWriter())
            if connection.vendor == "postgresql"
            else Intake(SqliteWriter())
        )
        _intakes[loop] = found
    return found


async def close() -> None:
    """Close the running loop's intake, if it was used."""
    found = _intakes.pop(asyncio.get_running_loop(), None)
    if found is not None:
        await found.close()
