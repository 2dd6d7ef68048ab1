"""Runs operations in portions, a few at once, under leases: the part of a worker beside its deliveries.

A kind of operation is one function, `async (operation) -> Progress | Step`. It does the portion that begins
at `operation.cursor`, and returns what became of it. `worker.py` maps kinds to functions, so a package that
`processing` cannot import adds its kind there. A function is called again for a portion whose progress was
not written because its worker was killed or stopped. Only the effects of a `Step` happen exactly once.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import TypeVar

from django.db import Error, InterfaceError, OperationalError

import database
from ledger import operations
from ledger.models import Operation, State
from ledger.operations import Progress, Step
from receiver import queue

logger = logging.getLogger(__name__)

Portion = Callable[[Operation], Awaitable[Progress | Step]]
Kinds = Mapping[str, Portion]
Result = TypeVar("Result")

# Operations that one worker runs at once, so that a slow one does not hold up the others.
AT_ONCE = 4
# Seconds between two looks for an operation; a wake-up makes the worker look earlier, after the shorter time.
LOOK_EVERY = 1.0
LOOK_AGAIN = 0.1
# Seconds between two looks whether an operation was cancelled while it waits for its next portion.
WATCH_EVERY = 1.0
# Part of a lease after which it is renewed.
RENEW_EVERY = 0.3
# Errors of an outage of the database, which the operation did not cause.
OUTAGES = (OperationalError, InterfaceError)


class LeaseLostError(Exception):
    """The operation was cancelled, or another worker has claimed it."""


class OperationRunner:
    """Runs the operations of one worker: `run` looks for them until cancelled, `stop` gives them back."""

    def __init__(self, worker: str, kinds: Kinds, lease: timedelta = operations.LEASE) -> None:
        self.worker = worker
        self.on_due: Callable[[], object] = lambda: None
        """Called when a portion made deliveries due."""
        self.on_portion: Callable[[Operation], object] = lambda operation: None
        """Called with the operation after each portion."""
        self._kinds = kinds
        self._lease = lease
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._look = asyncio.Event()

    def wake_up(self) -> None:
        """Look for an operation soon."""
        self._look.set()

    async def run(self) -> None:
        """Claim operations and start them. During an outage of the database it tries again."""
        away = False
        while True:
            self._look.clear()
            operation = None
            try:
                operation = await self._claim()
                away = False
            except Error as error:
                if not away:
                    logger.error("operations not claimed error=%s", error)  # noqa: TRY400 - an outage
                away = True
            if operation is not None:
                self._start(operation)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY - LOOK_AGAIN):
                    await self._look.wait()
            await asyncio.sleep(LOOK_AGAIN)

    async def stop(self) -> None:
        """Cancel the portions under way and give the operations back."""
        tasks = dict(self._tasks)
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        try:
            if tasks:
                await database.run(operations.release, self.worker, list(tasks))
        except Error as error:
            logger.warning("operations not given back ids=%s error=%s", list(tasks), error)

    async def _claim(self) -> Operation | None:
        if len(self._tasks) >= AT_ONCE:
            return None
        names = list(self._kinds), list(self._tasks)
        claim = asyncio.ensure_future(database.run(operations.claim, self.worker, *names, self._lease))
        try:
            return await asyncio.shield(claim)
        except asyncio.CancelledError:
            # The thread finishes the claim whether or not it is awaited. An outage must not hide this.
            with contextlib.suppress(Error):
                operation = await claim
                if operation is not None:
                    await database.run(operations.release, self.worker, [operation.pk])
            raise

    async def operate(self, operation: Operation) -> None:
        """Run an operation that this worker has claimed, until it ends or the lease is lost."""
        logger.info(
            "operation begins id=%d kind=%s cursor=%s", operation.pk, operation.kind, operation.cursor
        )
        try:
            try:
                await self._portions(operation)
            except LeaseLostError:
                logger.info("operation stopped id=%d", operation.pk)
            except OUTAGES:
                raise
            except operations.ExplainedError as error:
                logger.error("operation failed id=%d error=%s", operation.pk, error)  # noqa: TRY400 - explained
                await database.run(operations.fail, operation, f"{type(error).__name__}: {error}")
            except Exception as error:
                logger.exception("operation failed id=%d", operation.pk)
                await database.run(operations.fail, operation, f"{type(error).__name__}: {error}")
            await database.run(operations.release, self.worker, [operation.pk])
        except OUTAGES as error:
            # The lease stays. This worker claims it again once the database answers, or another one later.
            logger.warning("operation interrupted id=%d error=%s", operation.pk, error)
            await asyncio.sleep(LOOK_EVERY)

    def _start(self, operation: Operation) -> None:
        task = asyncio.create_task(self.operate(operation), name=str(operation))
        self._tasks[operation.pk] = task
        task.add_done_callback(lambda _: self._ended(operation))

    def _ended(self, operation: Operation) -> None:
        del self._tasks[operation.pk]
        self.wake_up()

    async def _portions(self, operation: Operation) -> None:
        begin, before = time.monotonic(), operation.processed
        while operation.state == State.RUNNING:
            portion = await self._while_held(operation, self._kinds[operation.kind](operation))
            advanced = await database.run(operations.advance, operation, portion, self._lease)
            if advanced is None:
                raise LeaseLostError
            operation, progress = advanced
            if progress.due:
                self.on_due()
                await queue.wake_workers(progress.due)
            self.on_portion(operation)
            wait = progress.wait
            if operation.rate:
                due = begin + (operation.processed - before) / operation.rate
                wait = max(wait, due - time.monotonic())
            if wait > 0 and operation.state == State.RUNNING:
                await self._while_held(operation, asyncio.sleep(wait), waiting=True)
        logger.info(
            "operation ends id=%d state=%s done=%d failed=%d",
            operation.pk, operation.state, operation.done, operation.failed,
        )  # fmt: skip

    async def _while_held(
        self, operation: Operation, work: Awaitable[Result], *, waiting: bool = False
    ) -> Result:
        """Await the work and renew the lease meanwhile. Raises `LeaseLostError` when another has it.

        While `waiting` for the next portion, also when the operation was cancelled; a portion is let end.
        """
        every = RENEW_EVERY * self._lease.total_seconds()
        task = asyncio.ensure_future(work)
        try:
            while not (await asyncio.wait({task}, timeout=min(every, WATCH_EVERY) if waiting else every))[0]:
                state = await database.run(operations.renew, operation, self._lease)
                if state is None or (waiting and state != State.RUNNING):
                    raise LeaseLostError
            return task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
