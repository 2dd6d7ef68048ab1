"""Takes the deliveries of one worker from claim to settlement: when it claims, and what a failure does."""

import asyncio
import logging
import time
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from contextvars import Context
from datetime import timedelta

from django.db import Error

import database
import handlers
from handlers import Registry
from ledger import background
from processing import claiming, isolation, leases, ordering, running, settling
from processing.claiming import Claimed, ClaimResult
from processing.leases import Leases
from processing.log_lines import LogLine
from processing.running import Conditions, DatabaseAwayError, Events, Verdict
from receiver.models import Delivery, Status, Trigger
from telemetry import logs, tracing
from telemetry.counts import QUEUE, counts, observe

logger = logging.getLogger(__name__)

# Seconds between two looks at the database without a wake-up, and between two looks for what other workers
# left behind.
POLL = 1.0
REPAIR_EVERY = 5.0
# Seconds between the starts of two claims, unless the first left deliveries that are due. A claim costs
# PostgreSQL milliseconds, whether it finds one delivery or fifty.
CLAIM_INTERVAL = 0.02
# Attempts of one delivery that are not counted because the connection to the database was lost.
OUTAGES = 5
# The worker that finds a suspect starts its isolating process; after this time another one does. With many
# workers, a process of each would take the processor from all handlers.
SUSPECTS_WAIT = timedelta(seconds=5)
# Seconds for handlers to end after their cancellation. One that catches it would keep the process alive.
CANCELLED_WITHIN = 1.0
# Settlements at once: one that waits for a locked row or a slow disk does not delay all others.
SETTLERS = 2
FINE = frozenset({Status.SUCCEEDED, Status.IGNORED})


class BatchRunner:
    """Processes deliveries with this program's events and handlers, under the leases of one worker."""

    def __init__(
        self, events: Events, registry: Registry, worker: str, lease: timedelta = claiming.LEASE
    ) -> None:
        self.events = events
        self.registry = registry
        self.worker = worker
        self.leases = Leases(lease)
        self.rules = ordering.rules(registry.serialized())
        self.due = asyncio.Event()
        """Set when deliveries may be due."""
        self.isolating: asyncio.Task[None] | None = None
        """Runs isolating processes while there are suspects."""
        self._ended: list[settling.Ended] = []
        self._settlers: list[asyncio.Task[None]] = []
        self._outages: Counter[int] = Counter()
        # Whether deliveries may be under this worker's name that it does not hold.
        self._recover = False
        self._cancelling = False
        # Times by `time.monotonic()`: of the next claim at the earliest, and of the last repair.
        self._claims_at = self._repaired_at = 0.0

    async def run(self, grace: float) -> None:
        """Process what is due, through outages of the database, until cancelled; then `stop`."""
        try:
            await background.repeat(
                self._claim_next, POLL, lambda error: logger.error("not claimed error=%s", error), self.due
            )
        finally:
            await self.stop(grace)

    async def _claim_next(self) -> None:
        """Claim once there is capacity, and again at once while more is due."""
        await asyncio.sleep(self._claims_at - time.monotonic())
        await self.leases.free.wait()
        self.due.clear()
        now = time.monotonic()
        self._claims_at = now + CLAIM_INTERVAL
        if now > self._repaired_at + REPAIR_EVERY:
            # Another worker may have died before it did the same.
            await database.run(ordering.repair)
            if await database.run(Delivery.objects.suspects_wait, SUSPECTS_WAIT):
                self.isolate()
            self._repaired_at = now
        result = await self.claim()
        if result.more:
            self.due.set()
            if result.claims:
                self._claims_at = now

    async def claim(self) -> ClaimResult:
        """Claim as much as there is capacity for, and start it. Raises `django.db.Error`."""
        since, asked = time.monotonic(), tracing.now()
        recover, self._recover = self._recover, False
        try:
            result = await database.run_to_end(self._take, self.leases.free_bytes, recover)
        except Error:
            self.leases.reached(answered=False)
            raise
        self.leases.reached(answered=True)
        self.leases.take(result.claims)
        if result.suspects:
            self.isolate()
        now, queued = time.time(), counts.cells(QUEUE.name)
        for claimed in result.claims:
            delivery = claimed.delivery
            if delivery.claims == 1 and delivery.trigger == Trigger.DELIVERY:
                # From its receipt by the clock of the database.
                observe(queued, QUEUE.bounds, now - delivery.received_at.timestamp())
            if asked:
                tracing.spent("claim", delivery.guid, asked, **{"hookkeeper.worker": self.worker})
            claimed.task = asyncio.create_task(self._run(claimed, since))
        return result

    def _take(self, size: int, recover: bool) -> ClaimResult:
        held = [pk for pk, *_ in list(self.leases.held)]  # a copy, which the event loop does not change
        try:
            result = claiming.claim(
                self.worker, self.leases.length, leases.CLAIM, size, self.rules, held,
                recover=recover or self._recover, takeover=self.leases.may_take_over,
            )  # fmt: skip
            claiming.add_bodies(result.claims)
        except Error:
            self._recover = True  # it may have been committed
            raise
        return result

    def isolate(self) -> None:
        """Run suspects in isolating processes, unless they are run already, until none is due."""
        if self.isolating is None or self.isolating.done():
            modules = {one.run.__module__ for listed in self.registry.handlers.values() for one in listed}
            self.isolating = asyncio.create_task(
                isolation.run(self.worker, self.leases.length, sorted(modules))
            )

    async def stop(self, grace: float) -> None:
        """Wait up to `grace` seconds for what runs, then give the rest back. The caller claims no more."""
        tasks = [claimed.task for claimed in self.leases.held.values() if claimed.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=grace)
        self._cancelling = True
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CANCELLED_WITHIN)
        await asyncio.gather(*self._settlers)
        if self.isolating is not None:
            self.isolating.cancel()
            await asyncio.gather(self.isolating, return_exceptions=True)
        try:
            given_back = await database.run(claiming.release, self.worker)
            logger.info("claims given back count=%d", len(given_back))
        except Error as error:
            logger.warning("claims not given back error=%s", error)  # their leases end

    def claim_one(self, *, suspects: bool = False, only: int | None = None) -> Claimed | None:
        """Claim one delivery for `run_alone`: a suspect, or the one with the id `only` if it is due."""
        # A process that runs suspects holds none now. It recovers the last claim of one that was killed.
        result = claiming.claim(
            self.worker, self.leases.length, 1, 0, self.rules,
            recover=suspects, takeover=False, suspects=suspects, only=only,
        )  # fmt: skip
        return next(iter(result.claims), None)

    async def run_alone(
        self, claimed: Claimed, conditions: Conditions, guard: AbstractContextManager[None] | None = None
    ) -> Verdict:
        """Run and settle one delivery, whose lease a thread renews, and return the verdict.

        `guard` is held while its handlers run. Raises `LeaseLostError` when the lease has ended, and
        `django.db.Error`.
        """
        with leases.renewed(claimed, self.leases.length):
            await database.run(claiming.add_bodies, [claimed])
            with guard or nullcontext():
                verdict = await self._attempt(claimed, conditions)
            ended = [(claimed, verdict)]
            [error], _ = await settling.settle_all(ended)
        if error is not None:
            raise error
        return ended[0][1]

    async def _attempt(self, claimed: Claimed, conditions: Conditions) -> Verdict:
        """Return the verdict on an attempt; a fault of this program, beside its handlers, fails it too."""
        database.choose_orm_thread()
        logs.about(claimed.delivery)
        try:
            return await running.attempt(claimed, self.registry, self.events, conditions)
        except (DatabaseAwayError, asyncio.CancelledError, GeneratorExit, SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:  # a panic of a library in Rust is no `Exception`
            logger.exception("attempt failed delivery=%s", claimed.delivery)
            return running.failed(claimed.delivery, error)

    async def _run(self, claimed: Claimed, since: float) -> None:
        """Process one delivery, claimed after `since` by `time.monotonic()`, to its verdict."""
        pk = claimed.delivery.id
        if time.monotonic() > since + self.leases.length.total_seconds():
            self._lose(claimed, "its lease may have ended before it began")
            return
        conditions = Conditions(lambda: self._cancelling, forgiving=self._outages.get(pk, 0) < OUTAGES)
        try:
            verdict = await self._attempt(claimed, conditions)
        except DatabaseAwayError as error:
            self._outages[pk] += 1
            self._lose(claimed, error)
            return
        self._outages.pop(pk, None)
        self._ended.append((claimed, verdict))
        # A settler that is done looks no more, so it may not count from that moment on.
        self._settlers = [settler for settler in self._settlers if not settler.done()]
        if len(self._settlers) < SETTLERS:
            self._settlers.append(asyncio.create_task(self._settle(), context=Context()))  # of no delivery

    async def _settle(self) -> None:
        """Settle attempts, all that have ended at once, until there are no more."""
        while self._ended:
            ended, self._ended = self._ended, []
            try:
                errors, due = await settling.settle_all(ended)
                fine: list[LogLine] = []
                for (claimed, verdict), error in zip(ended, errors, strict=True):
                    if error is not None:
                        self._lose(claimed, error, recover=database.is_outage(error))
                    elif verdict.status in FINE:
                        fine.append(LogLine(claimed, verdict))
                    else:
                        logger.warning("%s", logs.Group([LogLine(claimed, verdict)]))
                if fine:
                    logger.info("%s", logs.Group(fine))
                if due:
                    self.due.set()
            except Exception:  # a fault of this program
                logger.exception("not settled count=%d", len(ended))  # their leases end
            for claimed, _ in ended:
                self.leases.drop(claimed)

    def _lose(self, claimed: Claimed, why: object, *, recover: bool = True) -> None:
        """Forget a delivery that could not be settled; with `recover`, the next look takes it again."""
        logger.warning("not settled delivery=%s error=%s", claimed.delivery, why)
        self._recover |= recover
        self.leases.drop(claimed)


def load(worker: str, lease: timedelta = claiming.LEASE) -> BatchRunner:
    """Discover the events and handlers of this program. Raises `schemas.DiscoveryError`."""
    return BatchRunner(handlers.load(), handlers.registry, worker, lease)
