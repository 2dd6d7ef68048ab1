"""One attempt at one delivery: parse the body, run the handlers that want it, judge."""

import asyncio
import time
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

import schemas
from handlers import DeliveryContext, Handler, PermanentError, Registry
from processing import retrying
from processing.claiming import Claimed, Held
from processing.settling import Run, Verdict
from receiver.models import Outcome, Status, Trigger

# Characters: an error may hold whatever was sent.
LONGEST_ERROR = 2_000
LONGEST_TRACEBACK = 20_000
# Parts of a payload that a note names.
MOST_UNREAD = 3

Events = Mapping[str, type[schemas.Event]]


def parse(delivery: Held, events: Events, unread: list[str] | None = None) -> schemas.Event:
    """The delivery's payload; raises `pydantic.ValidationError` or `schemas.PayloadError`."""
    model = events.get(delivery.event, schemas.Event)
    return schemas.parse(model, schemas.json_of(delivery.body, delivery.content_type), unread)


def why_unread(paths: list[str]) -> list[str]:
    """A note of the parts that nobody could read, if there are any."""
    more = f" and {len(paths) - MOST_UNREAD} more" if len(paths) > MOST_UNREAD else ""
    return [f"unreadable: {', '.join(sorted(paths)[:MOST_UNREAD])}{more}"] if paths else []


def why_invalid(error: ValidationError) -> str:
    """Each field that the schema rejects, by its path, without the values."""
    return "; ".join(
        f"{'.'.join(map(str, problem['loc'])) or 'payload'}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)
    )


async def attempt(
    claimed: Claimed, registry: Registry, events: Events, trigger: Trigger, *, limited: bool
) -> tuple[Verdict, list[str]]:
    """Run what has still to run for this delivery, concurrently; gives the verdict and the handlers' notes.

    Nothing that a handler raises leaves this function, except cancellation. Without `limited` no handler
    is timed, which lets a debugger take its time.
    """
    delivery = claimed.delivery
    unread: list[str] = []
    try:
        event = parse(delivery, events, unread)
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
        notes=why_unread(unread),
        server=schemas.server_of(event.links, delivery.headers),
    )
    if number > 1 and trigger is Trigger.DELIVERY:
        trigger = Trigger.RETRY
    to_run = [handler for handler in wanting if handler.name not in claimed.done]
    if len(to_run) == 1:
        runs = [await _run(to_run[0], event, context, trigger, limited=limited)]
    else:
        runs = await asyncio.gather(
            *(_run(handler, event, context, trigger, limited=limited) for handler in to_run)
        )
    if number == 1:
        runs += [_skipped(handler, trigger) for handler in wanting if handler.name in claimed.done]
    return judge(runs, delivery, claimed.done), context.notes


def judge(runs: list[Run], delivery: Held, done: Mapping[str, str]) -> Verdict:
    """What becomes of a delivery after these runs; `done` holds the outcomes of handlers before them."""
    error = "; ".join(f"{run.handler}: {run.error}" for run in runs if run.error)
    waits = [run.retry_after for run in runs if run.retry_after is not None]
    if waits:
        return Verdict(Status.RETRYING, error, timedelta(seconds=max(waits)), runs)
    if any(run.outcome is Outcome.PERMANENT for run in runs):
        return Verdict(Status.DEAD, error, runs=runs)
    if Outcome.PERMANENT in done.values():
        return Verdict(Status.DEAD, delivery.error, runs=runs)
    return Verdict(Status.SUCCEEDED, runs=runs)


async def _run(
    handler: Handler, event: schemas.Event, context: DeliveryContext, trigger: Trigger, *, limited: bool
) -> Run:
    run = Run(handler.name, context.attempt, trigger, Outcome.SUCCEEDED, datetime.now(UTC))
    start = time.perf_counter()
    try:
        async with asyncio.timeout(handler.timeout if limited else None) as limit:
            await handler.run(event, context)
    except Exception as error:  # noqa: BLE001 - a handler may raise anything; all of it is written down
        said = f"{type(error).__name__}: {error}"
        if isinstance(error, TimeoutError) and limit.expired():
            said = f"timed out after {handler.timeout:g} seconds"
        decision = retrying.decide(context.attempt, error, handler.max_attempts)
        if isinstance(decision, retrying.Retry):
            run.outcome, run.retry_after = Outcome.FAILED, decision.after
        else:
            run.outcome = Outcome.PERMANENT
            if not isinstance(error, PermanentError):
                said = f"{context.attempt} attempts used up; {said}"
        run.error = schemas.storable(said)[:LONGEST_ERROR]
        told = "".join(traceback.format_exception(error))
        run.traceback = schemas.storable(told)[-LONGEST_TRACEBACK:]
    run.duration = time.perf_counter() - start
    return run


def _skipped(handler: Handler, trigger: Trigger) -> Run:
    """The run of a handler that has had its effect: for another hook's delivery of the guid, or before."""
    return Run(handler.name, 1, trigger, Outcome.SKIPPED, datetime.now(UTC))
