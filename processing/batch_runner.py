"""Runs claimed deliveries: reads their bodies, runs their handlers, settles each on its own."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import accumulate, groupby

from django.db import Error

import database
import handlers
import schemas
from handlers import Registry, registry
from processing import claiming, ordering, running, settling
from processing.claiming import Claimed, ClaimResult
from processing.isolation import Isolation
from processing.leases import Leases
from processing.log_lines import LogLine
from processing.running import Conditions, DatabaseAwayError, Events
from processing.settling import Ended, LeaseLostError, Verdict
from receiver.models import Status, Trigger
from telemetry import logs, tracing
from telemetry.counts import QUEUE, counts

logger = logging.getLogger(__name__)

# Raw bytes of bodies that are read together, beside one of any size.
READ_BYTES = 8 * 1024 * 1024
# Raw bytes of a body for which a claim may have to wait until another is done.
LARGE = 1024 * 1024
# Attempts of one delivery that end with the database and are not counted.
OUTAGES = 5
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
        self.on_due: Callable[[], object] = lambda: None
        """Called when a settlement made deliveries due."""
        self.isolation = Isolation(registry)
        self._batches: set[asyncio.Task[None]] = set()
        self._outages: Counter[int] = Counter()
        self._recover = False

    async def claim(self) -> ClaimResult:
        """Claim as much as there is capacity for; the caller starts it. Raises `django.db.Error`.

        Calls must not overlap. A cancelled call gives back what it claimed.
        """
        capacity = await self.leases.capacity()
        since, asked = time.monotonic(), tracing.now()
        claim = asyncio.ensure_future(
            database.run(
                claiming.claim, self.worker, self.leases.length, capacity, self.rules, list(self.leases.held),
                recover=self._recover, takeover=self.leases.may_take_over,
            )
        )  # fmt: skip
        try:
            result = await asyncio.shield(claim)
        except asyncio.CancelledError:
            # The thread finishes the claim whether or not it is awaited.
            result = await claim
            self.leases.take(result.claims, since)
            await self.leases.give_back(result.claims)
            raise
        except Error:
            self.leases.reached(answered=False)
            self._recover = True
            raise
        self.leases.reached(answered=True)
        self._recover = False
        self.leases.take(result.claims, since)
        _count_waits(result.claims)
        for claimed in result.claims if asked else ():
            tracing.spent("claim", claimed.delivery.guid, asked, **{"hookkeeper.worker": self.worker})
        if result.blocked:
            await database.run(ordering.unblock, sorted(result.blocked))
        return result

    def start(self, claims: Sequence[Claimed]) -> "asyncio.Task[None]":
        """Begin a batch, which `stop` ends."""
        batch = asyncio.create_task(self._run(claims))
        self._batches.add(batch)
        batch.add_done_callback(self._batches.discard)
        return batch

    async def stop(self, grace: float) -> None:
        """Wait up to `grace` seconds for what runs, then give the rest back. The caller claims no more."""
        if self._batches:
            _, late = await asyncio.wait(self._batches, timeout=grace)
            for batch in late:
                batch.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self.isolation.close()

    async def _run(self, claims: Sequence[Claimed]) -> None:
        """Run each delivery in a task, and settle together those that end together.

        When cancelled, give back the rest.
        """
        tasks: list[asyncio.Task[None]] = []
        stop = asyncio.Event()
        conditions = Conditions(stop.is_set, forgiving=True)
        ended: asyncio.Queue[tuple[Claimed, Verdict | None]] = asyncio.Queue()
        try:
            try:
                for portion in _portions(claims):
                    # The isolating process reads the body of a suspect.
                    await self.read([claimed for claimed in portion if not claimed.delivery.crashes])
                    for claimed in portion:
                        one = database.in_orm_thread(self._one(claimed, conditions, ended))
                        tasks.append(asyncio.create_task(one))
            except Error as error:
                logger.error("bodies not read error=%s", error)  # noqa: TRY400 - an outage
                self._lost_sight(*claims[len(tasks) :])
            left = len(tasks)
            while left:
                group = [await ended.get(), *(ended.get_nowait() for _ in range(ended.qsize()))]
                left -= len(group)
                try:
                    await self._settle([(claimed, verdict) for claimed, verdict in group if verdict])
                except Exception:
                    logger.exception("not settled count=%d", len(group))
                    self._lost_sight(*(claimed for claimed, _ in group))
        except asyncio.CancelledError:
            stop.set()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            try:
                count = await asyncio.shield(self.leases.give_back(claims))
                logger.info("claims given back count=%d", count)
            except Error as error:
                logger.error("claims not given back error=%s", error)  # noqa: TRY400 - their leases end
            raise

    async def read(self, claims: Sequence[Claimed]) -> None:
        """Read the bodies; one that cannot be read fails its own attempt. Raises `django.db.Error`."""
        bodies = await database.run(claiming.read_bodies, [claimed.delivery.id for claimed in claims])
        for claimed in claims:
            claimed.body = bodies.get(claimed.delivery.id, LookupError("it was deleted"))

    async def _one(
        self, claimed: Claimed, conditions: Conditions, ended: "asyncio.Queue[tuple[Claimed, Verdict | None]]"
    ) -> None:
        """Process one delivery to its end; put its verdict if it has to be settled, else None."""
        pk, verdict = claimed.delivery.id, None
        try:
            if not self.leases.safe(claimed):
                logger.error("not begun reason=lease may have ended delivery=%s", claimed.delivery)
                self._lost_sight()
            elif claimed.delivery.crashes:
                await self.isolation.run(claimed, self.leases)
                self.on_due()
            else:
                if self._outages.get(pk, 0) >= OUTAGES:
                    conditions = conditions._replace(forgiving=False)
                verdict = await self.attempt(claimed, conditions)
                self._outages.pop(pk, None)
        except DatabaseAwayError as error:
            self._outages[pk] += 1
            logger.warning(
                "attempt not counted reason=database away delivery=%s error=%s", claimed.delivery, error
            )
            self._lost_sight()
        except (Error, LeaseLostError) as error:
            self._not_settled(claimed, error)
        except Exception:
            logger.exception("not settled delivery=%s", claimed.delivery)
        finally:
            if verdict is None and not conditions.stopping():
                self._drop(claimed)
            ended.put_nowait((claimed, verdict))

    async def attempt(self, claimed: Claimed, conditions: Conditions) -> Verdict:
        """Run one delivery whose body is read; return the verdict, which is to be settled.

        Raises `DatabaseAwayError` when a handler lost its connection and the conditions forgive it.
        """
        logs.about(claimed.delivery)
        return await running.attempt(claimed, self.registry, self.events, conditions)

    async def _settle(self, ended: Sequence[Ended]) -> None:
        """Settle attempts together; whatever happens, their capacity is free afterwards."""
        errors, due = await settling.settle_all(ended)
        fine: list[LogLine] = []
        for (claimed, verdict), error in zip(ended, errors, strict=True):
            if error is not None:
                self._not_settled(claimed, error)
            elif verdict.status in FINE:
                fine.append(LogLine(claimed, verdict))
            else:
                logger.warning("%s", LogLine(claimed, verdict))
            self._drop(claimed)
        if fine:
            logger.info("%s", logs.Group(fine))
        if due:
            self.on_due()

    def _not_settled(self, claimed: Claimed, error: Exception) -> None:
        logger.warning("not settled delivery=%s error=%s", claimed.delivery, error)
        self._lost_sight()

    def _drop(self, claimed: Claimed) -> None:
        self.leases.drop(claimed)
        if claimed.delivery.size > LARGE:
            self.on_due()  # another may fit now

    def _lost_sight(self, *claims: Claimed) -> None:
        """Have the next claim recover what this worker has in the database and does not hold."""
        for claimed in claims:
            self.leases.drop(claimed)
        self._recover = True
        self.on_due()


def load(worker: str) -> BatchRunner:
    """Discover the events and handlers of this program. Raises `schemas.DiscoveryError`."""
    events = schemas.discover(schemas)
    schemas.modules(handlers)
    registry.check(events)
    return BatchRunner(events, registry, worker)


def _count_waits(claims: Sequence[Claimed]) -> None:
    """Count how long each new delivery waited, from its receipt by the clock of the database until now."""
    now = time.time()
    for delivery in (claimed.delivery for claimed in claims):
        if delivery.claims == 1 and delivery.trigger == Trigger.DELIVERY:
            counts.observe(QUEUE, now - delivery.received_at.timestamp())


def _portions(claims: Sequence[Claimed]) -> Iterator[list[Claimed]]:
    """Split claims into lots of at most `READ_BYTES` and one delivery."""
    ends = accumulate(claimed.delivery.size for claimed in claims)
    for _, lot in groupby(zip(claims, ends, strict=True), key=lambda one: one[1] // READ_BYTES):
        yield [claimed for claimed, _ in lot]
