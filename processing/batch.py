"""A batch of deliveries, from claim to settlement; each succeeds or fails alone."""

import asyncio
import logging
import time
from collections.abc import Collection, Sequence
from datetime import timedelta

from django.db import Error

import database
import handlers
import schemas
from handlers import Registry, registry
from processing import claiming, running, settling
from processing.claiming import Claimed, Held, Portion
from processing.leases import Leases
from processing.quarantine import Quarantine
from processing.running import Events
from processing.settling import LeaseLostError, Verdict
from processing.turns import Turn, Turns
from receiver.models import Status, Trigger

logger = logging.getLogger(__name__)

# Of one turn, how many are taken together.
NEXT = 50


class Processor:
    """What processes deliveries: the events and handlers of this program, and who holds the leases."""

    def __init__(
        self, events: Events, registry: Registry, worker: str, lease: timedelta = claiming.LEASE
    ) -> None:
        self.events = events
        self.registry = registry
        self.worker = worker
        self.leases = Leases(lease)
        self.turns = Turns(registry.serialized())
        self.stopping = False
        """Whether no more is to be claimed."""
        self._quarantine = Quarantine(registry)

    async def close(self) -> None:
        """End what was started beside this process. Nothing may be at work any more."""
        await self._quarantine.close()

    async def process(self, ids: Collection[int], trigger: Trigger) -> int:
        """Claim, run and settle those of `ids` that are free; gives how many those were.

        Raises what `claim` and `run` raise.
        """
        count, left = 0, ids
        while left and not self.stopping:
            portion = await self.claim(left)
            count, left = count + len(portion.claims), portion.left
            await self.run(portion.claims, trigger)
        return count

    async def claim(self, ids: Collection[int]) -> Portion:
        """Take those of `ids` that are free, as far as they fit into memory; they are to be run.

        Raises `django.db.Error` when the database cannot be asked.
        """
        turns = self.turns or None
        claim = asyncio.ensure_future(
            database.run(claiming.claim, ids, self.worker, self.leases.length, turns)
        )
        try:
            portion = await asyncio.shield(claim)
        except asyncio.CancelledError:
            # It runs in a thread to its end, whoever waits for it.
            portion = await claim
            self.leases.take(portion.claims)
            await self.leases.give_back(portion.claims)
            raise
        self.leases.take(portion.claims)
        return portion

    async def run(self, claims: Sequence[Claimed], trigger: Trigger) -> None:
        """Run and settle what was claimed, and then whatever waited for its turn behind it.

        A cancelled call gives back what it has not settled. Raises `django.db.Error` when the database cannot
        tell what waited, which is then left to the sweep.
        """
        while claims:
            tasks: list[asyncio.Task[None]] = []
            last: dict[Turn, asyncio.Task[None]] = {}
            for claimed in claims:
                before = {last[turn] for turn in claimed.turns if turn in last}
                task = asyncio.create_task(database.in_lane(self._one(claimed, trigger, before)))
                last.update(dict.fromkeys(claimed.turns, task))
                tasks.append(task)
            try:
                await asyncio.gather(*tasks)
            except asyncio.CancelledError:
                given = await asyncio.shield(self.leases.give_back(claims))
                logger.info("stopping: gave %d deliveries back", given)
                raise
            if not last or self.stopping:
                return
            coming = await database.run(self.turns.next, last, NEXT)
            claims, trigger = (await self.claim(coming)).claims if coming else [], Trigger.DELIVERY

    async def _one(self, claimed: Claimed, trigger: Trigger, before: set[asyncio.Task[None]]) -> None:
        if before:
            await asyncio.wait(before)
        if not self.leases.sure(claimed):
            logger.error("%s not begun: its lease may have ended", claimed.delivery)
            self.leases.drop([claimed])
            return
        try:
            if claimed.delivery.crashes:
                await self._quarantine.run(claimed, trigger, self.leases)
            else:
                verdict, told = await self.attempt(claimed, trigger)
                level = (
                    logging.INFO if verdict.status in {Status.SUCCEEDED, Status.IGNORED} else logging.WARNING
                )
                logger.log(level, "%s", told)
        except (Error, LeaseLostError) as error:
            logger.error("%s not settled: %s", claimed.delivery, error)  # noqa: TRY400 - the lease repairs it
        except Exception:
            # A defect of ours must not keep the room that this delivery has, nor stop its neighbours.
            logger.exception("%s not settled", claimed.delivery)
        self.leases.drop([claimed])

    async def attempt(
        self, claimed: Claimed, trigger: Trigger, *, limited: bool = True
    ) -> tuple[Verdict, str]:
        """Run and settle one claimed delivery; gives the verdict, and its line for people.

        Raises `django.db.Error` or `LeaseLostError` when the end could not be written down.
        """
        start = time.perf_counter()
        verdict, notes = await running.attempt(claimed, self.registry, self.events, trigger, limited=limited)
        await settling.settle(claimed, verdict)
        return verdict, line(claimed.delivery, verdict, notes, time.perf_counter() - start)


def load(worker: str) -> Processor:
    """Discover the events and handlers of this program; raises `schemas.DiscoveryError`."""
    events = schemas.discover(schemas)
    schemas.modules(handlers)
    registry.check(events)
    return Processor(events, registry, worker)


def line(delivery: Held, verdict: Verdict, notes: list[str], seconds: float) -> str:
    """What became of a delivery, as one line for people."""
    name = f"{delivery.event}.{delivery.action}" if delivery.action else delivery.event
    parts = [name, delivery.repository or "(no repository)", ", ".join(notes), verdict.status.value]
    if verdict.error:
        parts.append(verdict.error)
    if verdict.retry_after is not None:
        parts.append(f"again in {verdict.retry_after.total_seconds():.0f} s")
    parts += [f"{seconds * 1000:.0f} ms", str(delivery.guid)]
    # A line is a line: what GitHub sent is not allowed to break it.
    return " ".join(" | ".join(filter(None, parts)).split())
