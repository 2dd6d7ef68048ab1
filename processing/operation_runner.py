"""Runs operations in portions, a few at once, under leases: the part of a worker beside its deliveries.

A kind of operation is one function, `async (operation) -> Progress | Step`. It does the portion that begins
at `operation.cursor`, and returns what became of it. `worker.py` maps kinds to functions, so a package that
`processing` cannot import adds its kind there. A function is called again for a portion whose progress was
not written because its worker was killed or stopped. Only the effects of a `Step` happen exactly once.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import TypeVar

from django.db import Error

import database
import schemas
from ledger import background, operations
from ledger.models import Operation, State
from ledger.operations import Progress, Step
from receiver import queue

logger = logging.getLogger(__name__)

Portion = Callable[[Operation], Awaitable[Progress | Step]]
Kinds = Mapping[str, Portion]
Result = TypeVar("Result")

# Operations that one worker runs at once, so that a slow one does not hold up the others.
AT_ONCE = 4
# Seconds between two looks for an operation, unless a wake-up comes, and between two looks whether one was
# cancelled.
LOOK_EVERY = 1.0
DELAY = 0.1  # seconds after a wake-up, in which the worker claims the deliveries that are due
# Part of a lease after which it is renewed, if that is less than `LOOK_EVERY`.
RENEW_EVERY = 0.3


class StoppedError(Exception):
    """The operation was cancelled, or another worker has claimed it."""


class OperationRunner:
    """Runs the operations of one worker; a command calls `operate` for one that it has created."""

    def __init__(self, worker: str, kinds: Kinds, lease: timedelta = operations.LEASE) -> None:
        self.worker = worker
        self.due = asyncio.Event()
        """Set when an operation may be due."""
        self.due.set()
        self.on_portion: Callable[[Operation], object] = lambda operation: None
        """Called with the operation after each portion."""
        self._kinds = kinds
        self._lease = lease
        self._held: set[int] = set()

    async def run(self) -> None:
        """Claim operations and run them until cancelled, then give them back. Waits for the database."""
        try:
            async with asyncio.TaskGroup() as tasks:
                await background.repeat(
                    partial(self._start_due, tasks),
                    LOOK_EVERY,
                    lambda error: logger.error("operations not claimed error=%s", error),
                    self.due,
                )
        finally:
            try:
                await database.run(operations.release, self.worker)
            except Error as error:
                logger.warning("operations not given back error=%s", error)

    async def _start_due(self, tasks: asyncio.TaskGroup) -> None:
        await asyncio.sleep(DELAY)
        self.due.clear()
        while len(self._held) < AT_ONCE:
            names = list(self._kinds), list(self._held)
            operation = await database.run_to_end(operations.claim, self.worker, *names, self._lease)
            if operation is None:
                return
            self._held.add(operation.pk)
            task = tasks.create_task(self.operate(operation), name=str(operation))
            task.add_done_callback(partial(self._ended, operation.pk))

    def _ended(self, pk: int, _task: "asyncio.Task[None]") -> None:
        self._held.remove(pk)
        self.due.set()

    async def operate(self, operation: Operation) -> None:
        """Run an operation that this worker has claimed, until it ends or the lease is lost."""
        logger.info(
            "operation begins id=%d kind=%s cursor=%s", operation.pk, operation.kind, operation.cursor
        )
        try:
            try:
                await self._portions(operation)
            except StoppedError:
                logger.info("operation stopped id=%d", operation.pk)
            except Exception as error:
                if database.is_outage(error):
                    raise
                unexplained = None if isinstance(error, operations.ExplainedError) else error
                logger.error(  # noqa: TRY400 - with its traceback, where that helps
                    "operation failed id=%d error=%s", operation.pk, error, exc_info=unexplained
                )
                reason = schemas.storable(f"{type(error).__name__}: {error}")
                await database.run(operations.fail, operation, reason)
            await database.run(operations.release, self.worker, [operation.pk])
        except Error as error:
            # The lease stays. This worker claims it again once the database answers, or another one later.
            logger.warning("operation interrupted id=%d error=%s", operation.pk, error)
            await asyncio.sleep(LOOK_EVERY)

    async def _portions(self, operation: Operation) -> None:
        begin, before = time.monotonic(), operation.processed
        while operation.state == State.RUNNING:
            portion = await self._while_held(operation, self._kinds[operation.kind](operation))
            advanced = await database.run_to_end(operations.advance, operation, portion, self._lease)
            if advanced is None:
                raise StoppedError
            operation, progress = advanced
            if progress.due:
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
        """Await the work and renew the lease meanwhile. Raises `StoppedError` when another has it.

        While `waiting` for the next portion, also when the operation was cancelled; a portion is let end.
        """
        every = min(RENEW_EVERY * self._lease.total_seconds(), LOOK_EVERY)
        task = asyncio.ensure_future(work)
        try:
            while not (await asyncio.wait({task}, timeout=every))[0]:
                state = await database.run(operations.renew, operation, self._lease)
                if state is None or (waiting and state != State.RUNNING):
                    raise StoppedError
            return task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
