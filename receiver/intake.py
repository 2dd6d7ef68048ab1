"""Group commit: concurrent requests share one transaction, each answered only after the commit.

The first arrival is written at once. Arrivals during a commit form the next batch, so that a lone request
does not wait, and many requests share one commit. A lone writer first reads what has already come.
"""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable, Sequence

from receiver import store
from receiver.arrivals import Arrival
from receiver.store import DownError, Receipt, RefusedError, Stored, StoreError, Writer

logger = logging.getLogger(__name__)

MAX_BATCH = 100
# Arrivals that must wait before a second batch starts while another is being committed.
MIN_SECOND_BATCH = 3
# Turns of the event loop before a lone writer takes a batch. Senders that were answered together send again
# together: one turn reads their requests, another runs the tasks. Without these turns, batches of one and of
# all others alternate.
LONE_WRITER_TURNS = 3
MAX_BATCH_BYTES = 8 * 1024 * 1024
# Seconds. GitHub gives up after ten: https://docs.github.com/webhooks/using-webhooks/best-practices
ANSWER_WITHIN = 8.5
# Seconds between attempts while the store is down. Up to `MAX_BATCH` arrivals wait for the outcome of one;
# all others are rejected at once, so that a store that hangs does not fill the receiver.
STORE_RETRY_INTERVAL = 1.0

Waiting = tuple[Arrival, "asyncio.Future[Stored]"]
Wake = Callable[[Stored], None]


class StoreDownError(Exception):
    """The arrival could not be committed, or not in time; the sender must send it again."""


class Intake:
    """Queues the arrivals of one event loop for its writers; each commits one batch at a time."""

    def __init__(self, writers: Sequence[Writer], wake: Wake) -> None:
        """`wake` is called with each row to process; it must not block."""
        self.writers = writers
        self._wake = wake
        self._idle = list(writers)
        self._turns = LONE_WRITER_TURNS if len(writers) == 1 else 0
        self._waiting: deque[Waiting] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._down = False
        self._try_again_at = 0.0

    @property
    def down_for(self) -> float:
        """Return the seconds since the last failure of the store; infinite after a later commit."""
        now = asyncio.get_running_loop().time()
        return now - (self._try_again_at - STORE_RETRY_INTERVAL) if self._down else math.inf

    async def keep(self, arrival: Arrival, since: float | None = None) -> Stored:
        """Commit `arrival` and wake a worker; raise `StoreDownError` if the commit is not in time.

        `since` is the loop's time at the start of the request; the answer is due `ANSWER_WITHIN` later. If
        the caller is cancelled, the row is committed or not, never in part.
        """
        loop = asyncio.get_running_loop()
        if self._down and self._is_closed(loop.time()):
            raise StoreDownError("not stored: the store is down")
        future: asyncio.Future[Stored] = loop.create_future()
        timer = loop.call_at((since or loop.time()) + ANSWER_WITHIN, _give_up, future)
        self._waiting.append((arrival, future))
        if not self._busy or (len(self._waiting) >= MIN_SECOND_BATCH and not self._down):
            self._start()
        try:
            return await future
        finally:
            timer.cancel()

    async def close(self, within: float) -> None:
        """Commit the waiting arrivals for up to `within` seconds, then close the connections."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within)
        for writer in self.writers:
            await writer.close()

    def _is_closed(self, now: float) -> bool:
        """Return whether a store that is down takes no arrival at present."""
        return len(self._waiting) >= MAX_BATCH if self._busy else now < self._try_again_at

    @property
    def _busy(self) -> bool:
        return len(self._idle) < len(self.writers)

    def _start(self) -> None:
        """Start an idle writer, if there is one."""
        if self._idle:
            task = asyncio.create_task(self._write(self._idle.pop()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _write(self, writer: Writer) -> None:
        """Write batches until nothing waits.

        From the last look at what waits until the writer is idle again there is no `await`, so that every
        arrival finds either a busy writer that will look once more, or an idle one.
        """
        try:
            while self._waiting:
                for _ in range(self._turns):
                    await asyncio.sleep(0)
                await self._write_batch(writer, self._take())
        finally:
            self._idle.append(writer)
            if self._waiting and not self._busy:
                self._start()

    async def _write_batch(self, writer: Writer, batch: Sequence[Waiting]) -> None:
        """Write a batch and answer its requests.

        Bisection finds rows that the database rejects; only their requests fail.
        """
        parts = deque([batch])
        while parts:
            part = [(arrival, future) for arrival, future in parts.popleft() if not future.done()]
            if not part:
                continue
            try:
                outcomes = await store.store(writer, [arrival for arrival, _ in part])
            except RefusedError as error:
                if len(part) == 1:
                    logger.warning("not stored guid=%s error=%s", part[0][0].guid, error)
                    _fail(part, _not_stored(error))
                else:
                    half = len(part) // 2
                    parts += [part[:half], part[half:]]
            except DownError as error:
                self._go_down(error)
                _fail([waiting for left in (part, *parts) for waiting in left], _not_stored(error))
                return
            except Exception as error:  # noqa: BLE001 - each request of the batch raises it as a 500
                _fail(part, error)
            else:
                if self._down:
                    logger.info("store up")
                self._down = False
                for (_, future), outcome in zip(part, outcomes, strict=True):
                    self._answer(future, outcome)

    def _answer(self, future: "asyncio.Future[Stored]", outcome: Stored | StoreError) -> None:
        """Answer the request first: an error in waking a worker must not undo a committed delivery."""
        if isinstance(outcome, StoreError):
            if not future.done():
                future.set_exception(_not_stored(outcome))
            return
        if not future.done():
            future.set_result(outcome)
        if outcome.receipt is Receipt.ACCEPTED or outcome.receipt is Receipt.REDELIVERED:
            try:
                self._wake(outcome)
            except Exception:
                logger.exception("wake-up not sent delivery=%d", outcome.id)

    def _take(self) -> list[Waiting]:
        """Take the next batch: the oldest arrivals whose requests still wait."""
        batch: list[Waiting] = []
        size = 0
        while self._waiting and len(batch) < MAX_BATCH and size < MAX_BATCH_BYTES:
            arrival, future = self._waiting.popleft()
            if not future.done():
                batch.append((arrival, future))
                size += len(arrival.body)
        return batch

    def _go_down(self, error: DownError) -> None:
        """Reject all waiting arrivals; from now on, one batch at a time tries the store."""
        if not self._down:
            logger.warning("store down error=%s", error.reason)
        self._down = True
        self._try_again_at = asyncio.get_running_loop().time() + STORE_RETRY_INTERVAL
        _fail(list(self._waiting), _not_stored(error))
        self._waiting.clear()


def _not_stored(error: StoreError) -> StoreDownError:
    return StoreDownError(f"not stored: {error}")


def _fail(waiting: Sequence[Waiting], error: Exception) -> None:
    for _, future in waiting:
        if not future.done():
            future.set_exception(error)


def _give_up(future: "asyncio.Future[Stored]") -> None:
    if not future.done():
        future.set_exception(StoreDownError(f"not stored within {ANSWER_WITHIN:g} seconds"))
