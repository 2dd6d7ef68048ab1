"""One attempt at one delivery: parse the body, run the handlers that want it, judge."""

import asyncio
import time
import traceback
from collections.abc import Mapping
from datetime import timedelta

from django.utils import timezone
from pydantic import ValidationError

import schemas
from handlers import DeliveryContext, Handler, PermanentError, Registry, RetryableError
from processing import retrying
from processing.claiming import Claimed, Verdict
from receiver.models import Delivery, HandlerRun, Outcome, Status, Trigger

HANDLER_TIMEOUT = 30.0  # seconds

Events = Mapping[str, type[schemas.Event]]


def parse(delivery: Delivery, events: Events) -> schemas.Event:
    """The delivery's payload; raises `pydantic.ValidationError` or `schemas.PayloadError`."""
    model = events.get(delivery.event, schemas.Event)
    return schemas.parse(model, schemas.json_of(delivery.body, delivery.content_type))


def why_invalid(error: ValidationError) -> str:
    """Each field that the schema rejects, by its path, without the values."""
    return "; ".join(
        f"{'.'.join(map(str, problem['loc'])) or 'payload'}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)
    )


async def attempt(
    claimed: Claimed,
    registry: Registry,
    events: Events,
    trigger: Trigger,
    timeout: float | None,
) -> tuple[Verdict, list[str]]:
    """Run what has still to run for this delivery, concurrently; gives the verdict and the handlers' notes.

    Nothing that a handler raises leaves this function, except cancellation. `timeout` is in seconds for
    each handler; None lets a debugger take its time.
    """
    delivery = claimed.delivery
    try:
        event = parse(delivery, events)
    except ValidationError as error:
        return Verdict(Status.INVALID, why_invalid(error)), []
    except schemas.PayloadError as error:
        return Verdict(Status.INVALID, str(error)), []
    wanting = registry.wanting(event, delivery.event)
    if not wanting:
        return Verdict(Status.IGNORED), []
    number = delivery.attempts + 1
    context = DeliveryContext(
        guid=delivery.guid,
        hook_id=delivery.hook_id,
        source=delivery.source,
        event=delivery.event,
        received_at=delivery.received_at,
        attempt=number,
        installation_id=delivery.installation_id,
    )
    if number > 1 and trigger is Trigger.DELIVERY:
        trigger = Trigger.RETRY
    to_run = [handler for handler in wanting if handler.name not in claimed.done]
    results = await asyncio.gather(*(_run(handler, event, context, timeout) for handler in to_run))
    runs = [run for run, _ in results]
    if number == 1:
        runs += [_skipped(handler) for handler in wanting if handler.name in claimed.done]
    for run in runs:
        run.delivery, run.attempt, run.trigger = delivery, number, trigger
    verdict = judge(number, runs, [wish for run, wish in results if run.outcome == Outcome.FAILED])
    if verdict.status is Status.SUCCEEDED and Outcome.PERMANENT in claimed.done.values():
        verdict = Verdict(Status.DEAD, delivery.error, runs=runs)
    return verdict, context.notes


def judge(number: int, runs: list[HandlerRun], wishes: list[float | None]) -> Verdict:
    """The delivery's status after these runs; `wishes` holds each failed run's own `retry_in`."""
    error = "; ".join(f"{run.handler}: {run.error}" for run in runs if run.error)
    if wishes:
        named = [wish for wish in wishes if wish is not None]
        decision = retrying.decide(number, max(named) if named else None)
        if isinstance(decision, retrying.Retry):
            return Verdict(Status.RETRYING, error, timedelta(seconds=decision.after), runs)
        return Verdict(Status.DEAD, f"{number} attempts used up; {error}", runs=runs)
    if any(run.outcome == Outcome.PERMANENT for run in runs):
        return Verdict(Status.DEAD, error, runs=runs)
    return Verdict(Status.SUCCEEDED, runs=runs)


async def _run(
    handler: Handler, event: schemas.Event, context: DeliveryContext, timeout: float | None
) -> tuple[HandlerRun, float | None]:
    """Run one handler; gives its row, not yet saved, and how long it wants to wait when it failed."""
    run = HandlerRun(handler=handler.name, outcome=Outcome.SUCCEEDED, started_at=timezone.now())
    wish = None
    start = time.perf_counter()
    try:
        async with asyncio.timeout(timeout) as limit:
            await handler.run(event, context)
    except Exception as error:  # noqa: BLE001 - a handler may raise anything; all of it is written down
        run.outcome = Outcome.PERMANENT if isinstance(error, PermanentError) else Outcome.FAILED
        run.error = f"{type(error).__name__}: {error}"
        if isinstance(error, TimeoutError) and limit.expired():
            run.error = f"timed out after {timeout:g} seconds"
        run.error = schemas.storable(run.error)
        run.traceback = schemas.storable("".join(traceback.format_exception(error)))
        wish = error.retry_in if isinstance(error, RetryableError) else None
    run.duration = time.perf_counter() - start
    return run, wish


def _skipped(handler: Handler) -> HandlerRun:
    """The row of a handler that has had its effect: for another hook's delivery of the guid, or before."""
    return HandlerRun(handler=handler.name, outcome=Outcome.SKIPPED, started_at=timezone.now(), duration=0.0)
