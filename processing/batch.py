"""A batch of deliveries, from claim to settlement; each succeeds or fails alone."""

import asyncio
import logging
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from asgiref.sync import sync_to_async
from django.db import Error, close_old_connections

import handlers
import schemas
from handlers import Registry, registry
from processing import claiming, running
from processing.claiming import Claimed, LeaseLostError, Verdict
from processing.running import Events
from receiver.models import Delivery, Status, Trigger

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Processor:
    """What processes deliveries: the events and handlers of this program, and who holds the leases."""

    events: Events
    registry: Registry
    worker: str
    lease: timedelta = claiming.LEASE

    async def process(self, ids: Collection[int], trigger: Trigger) -> int:
        """Claim, run and settle those of `ids` that are free; gives how many those were.

        A cancelled call gives back what it has not settled. Raises `django.db.Error` when the database
        cannot be asked for the claim; what was claimed and not settled is taken up when its lease ends.
        """
        await sync_to_async(close_old_connections)()
        claims = await sync_to_async(claiming.claim)(set(ids), self.worker, self.lease)
        open_claims = {claimed.delivery.pk: claimed for claimed in claims}
        try:
            await asyncio.gather(*(self._one(claimed, trigger, open_claims) for claimed in claims))
        except asyncio.CancelledError:
            given_back = await asyncio.shield(sync_to_async(claiming.release)(list(open_claims.values())))
            logger.info("stopping: gave %d deliveries back", given_back)
            raise
        return len(claims)

    async def _one(self, claimed: Claimed, trigger: Trigger, open_claims: dict[int, Claimed]) -> None:
        try:
            verdict, told = await self.attempt(claimed, trigger, running.HANDLER_TIMEOUT)
        except (Error, LeaseLostError) as error:
            logger.error("%s not settled: %s", claimed.delivery, error)  # noqa: TRY400 - the lease repairs it
        else:
            level = logging.INFO if verdict.status in {Status.SUCCEEDED, Status.IGNORED} else logging.WARNING
            logger.log(level, "%s", told)
        open_claims.pop(claimed.delivery.pk)

    async def attempt(self, claimed: Claimed, trigger: Trigger, timeout: float | None) -> tuple[Verdict, str]:
        """Run and settle one claimed delivery; gives the verdict, and its line for people.

        `timeout` is in seconds for each handler. Raises `django.db.Error` or `LeaseLostError` when the
        end could not be written down.
        """
        start = time.perf_counter()
        verdict, notes = await running.attempt(claimed, self.registry, self.events, trigger, timeout)
        await sync_to_async(claiming.settle)(claimed, verdict)
        return verdict, line(claimed.delivery, verdict, notes, time.perf_counter() - start)


def load(worker: str) -> Processor:
    """Discover the events and handlers of this program; raises `schemas.DiscoveryError`."""
    events = schemas.discover(schemas)
    schemas.modules(handlers)
    registry.check(events)
    return Processor(events, registry, worker)


def line(delivery: Delivery, verdict: Verdict, notes: list[str], seconds: float) -> str:
    """What became of a delivery, as one line for people."""
    name = f"{delivery.event}.{delivery.action}" if delivery.action else delivery.event
    parts = [name, delivery.repository or "(no repository)", ", ".join(notes), verdict.status.value]
    if verdict.error:
        parts.append(verdict.error)
    if verdict.retry_after is not None:
        parts.append(f"again in {verdict.retry_after.total_seconds():.0f} s")
    parts += [f"{seconds * 1000:.0f} ms", str(delivery.guid)]
    # A line is a line: what GitHub sent is not allowed to break it.
    return " | ".join(" ".join(part.split()) for part in parts if part)
