"""Stored deliveries and scripted handlers for the tests of processing."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from handlers import DeliveryContext, Registry
from processing import settling
from processing.batch_runner import BatchRunner
from processing.claiming import Claimed
from processing.running import Verdict
from receiver.models import TERMINAL, Delivery, digest_of
from schemas import Event
from schemas.push import PushEvent
from tests import github

# The rules of a handler that orders all pushes by repository.
PUSHES = '[{"event": "push", "action": null, "by_number": false}]'
EVENTS: dict[str, type[Event]] = {"push": PushEvent}


def stored(
    case: str = "push__branch", *, guid: UUID | None = None, hook_id: int = 1, **changes: Any
) -> Delivery:
    """Store a delivery as the receiver does, or as a worker that settled it at once."""
    body = changes.pop("body", None) or github.sample(case).body
    now = timezone.now()
    fields = {
        "guid": guid or uuid4(),
        "hook_id": hook_id,
        "event": case.partition("__")[0],
        "headers": {"X-GitHub-Event": case.partition("__")[0]},
        "content_type": "application/json",
        "body": body,
        "size": len(body),
        "digest": digest_of(body),
        "repository": "harbour-works/tide-tables",
        "received_at": now,
        "next_attempt_at": changes.get("received_at", now),
        "finished_at": changes.get("received_at", now) if changes.get("status") in TERMINAL else None,
    }
    return Delivery.objects.create(**{**fields, **changes})


class Recorder:
    """Handlers of push that count their calls and raise what the test sets."""

    def __init__(self, **raising: BaseException | None) -> None:
        self.raising = raising or {"works": None}
        self.calls: list[str] = []
        self.registry = Registry()
        for name in self.raising:
            self._register(name)

    def _register(self, name: str) -> None:
        async def handler(_event: PushEvent, delivery: DeliveryContext) -> None:
            self.calls.append(name)
            error = self.raising[name]
            if error is not None:
                raise error
            delivery.note(name)

        handler.__name__ = name
        self.registry.on(PushEvent)(handler)

    def runner(
        self, worker: str = "worker of the test", events: Mapping[str, type[Event]] = EVENTS, **changes: Any
    ) -> BatchRunner:
        return BatchRunner(events, self.registry, worker, **changes)


class PanicException(BaseException):
    """What a library in Rust raises where it panics: https://pyo3.rs/main/doc/pyo3/panic/"""


async def drain(runner: BatchRunner) -> None:
    """Process all that is due, and what that makes due."""
    while (result := await runner.claim()).claims or result.more:
        await idle(runner)


async def process(
    recorder: Recorder, *rows: Delivery, events: Mapping[str, type[Event]] = EVENTS
) -> list[Delivery]:
    """Process what is due, but no retry of it; return these deliveries as they are then."""
    runner, more = recorder.runner(events=events), True
    while more:
        more = (await runner.claim()).more
        await idle(runner)
    return [await Delivery.objects.aget(pk=row.pk) for row in rows]


async def settle(claimed: Claimed, verdict: Verdict) -> int:
    """Settle one attempt; return how many deliveries that waited for it are due now."""
    [error], waited = await settling.settle_all([(claimed, verdict)])
    if error is not None:
        raise error
    return waited


async def due() -> None:
    """Make every retry due."""
    await Delivery.objects.filter(status="retrying").aupdate(next_attempt_at=timezone.now())


async def idle(runner: BatchRunner) -> None:
    """Wait until the runner has settled what it claimed, or fail: it renews what it never settles."""
    async with asyncio.timeout(60):
        while runner.leases.held:  # noqa: ASYNC110 - the batch runner says when it is free, not when it is idle
            await asyncio.sleep(0.001)
