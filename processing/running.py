"""One attempt at one delivery: parses it, runs the handlers that want it, judges what they raise."""

import asyncio
import time
import traceback
from bdb import BdbQuit
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

import database
import schemas
from handlers import MAX_ATTEMPTS, DeliveryContext, Handler, PermanentError, Registry
from processing import retrying
from processing.claiming import Claimed, DeliveryRow
from receiver.models import Outcome, Status, Trigger
from telemetry import tracing
from telemetry.sanitising import one_line

# Characters: an error may hold whatever was sent.
LONGEST_ERROR = 2_000
LONGEST_TRACEBACK = 20_000
# Parts of a payload that a note names.
MAX_UNREAD = 3
# Ends of its process, the worker's included, after which a delivery is dead.
MAX_CRASHES = 3

Events = Mapping[str, type[schemas.Event]]


class Conditions(NamedTuple):
    """How an attempt runs."""

    stopping: Callable[[], bool] = lambda: False
    """Return whether the worker stops. A `CancelledError` is then no failure of a handler."""
    limited: bool = True
    """Whether handlers have a time limit. Without it Ctrl-C, or `q` in pdb, leaves the attempt."""
    forgiving: bool = False
    """Whether the loss of the database connection is no failure, but raises `DatabaseAwayError`."""


@dataclass(slots=True)
class Run:
    """One run of one handler: a row of `HandlerRun`, and the seconds until its next."""

    handler: str
    attempt: int
    trigger: Trigger
    outcome: Outcome
    started_at: datetime
    duration: float = 0.0
    error: str = ""
    traceback: str = ""
    retry_after: float | None = None


@dataclass(slots=True)
class Verdict:
    """How an attempt ends."""

    status: Status
    error: str = ""
    retry_after: float | None = None
    """Seconds until the next attempt; None after the last."""
    runs: list[Run] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """The notes of its handlers."""


class DatabaseAwayError(Exception):
    """A handler lost its connection to the database; the attempt is not counted."""


def why_unread(paths: list[str]) -> list[str]:
    """Return a note of the parts that could not be read, if there are any."""
    more = f" and {len(paths) - MAX_UNREAD} more" if len(paths) > MAX_UNREAD else ""
    return [f"unreadable: {', '.join(sorted(paths)[:MAX_UNREAD])}{more}"] if paths else []


def why_invalid(error: ValidationError) -> str:
    """Return each field that the schema rejects, by its path, without the values."""
    return "; ".join(
        f"{'.'.join(map(str, problem['loc'])) or 'payload'}: {problem['msg'].removeprefix('Value error, ')}"
        for problem in error.errors(include_url=False, include_input=False)
    )


async def attempt(claimed: Claimed, registry: Registry, events: Events, conditions: Conditions) -> Verdict:
    """Run the remaining handlers of this delivery concurrently; return the verdict.

    Whatever a handler raises is its failure, unless `conditions` say otherwise.
    """
    delivery, body = claimed.delivery, claimed.body
    claimed.began, claimed.body = time.monotonic(), b""
    if delivery.crashes >= MAX_CRASHES:
        why = f"ended its worker {delivery.crashes} times, at last with {delivery.error}"
        return Verdict(Status.DEAD, why)
    if isinstance(body, Exception):
        why = f"the stored body cannot be read: {type(body).__name__}: {body}"
        return Verdict(Status.DEAD, one_line(why, LONGEST_ERROR))
    model, unread = events.get(delivery.event, schemas.Event), list[str]()
    try:
        body = schemas.json_of(body, delivery.content_type)
        event = schemas.parse(model, body, unread)
    except ValidationError as error:
        return Verdict(Status.INVALID, why_invalid(error))
    except schemas.PayloadError as error:
        return Verdict(Status.INVALID, str(error))
    wanting = registry.wanting(event, delivery.event)
    if not wanting:
        return Verdict(Status.IGNORED)
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
        server=schemas.server_in(event, body, delivery.headers),
    )
    del body
    trigger = Trigger.RETRY if number > 1 else Trigger(delivery.trigger)
    due = [_run(one, event, context, trigger, conditions) for one in wanting if one.name not in claimed.done]
    runs = [await due[0]] if len(due) == 1 else await _all(due)
    if number == 1 and claimed.done:
        # They have had their effect: for another hook's delivery of the guid, or before.
        done = [handler.name for handler in wanting if handler.name in claimed.done]
        runs += [Run(name, 1, trigger, Outcome.SKIPPED, datetime.now(UTC)) for name in done]
    return judge(runs, delivery, claimed.done, context.notes)


def failed(delivery: DeliveryRow, error: BaseException) -> Verdict:
    """Return the verdict on an attempt that failed beside its handlers."""
    reason = schemas.storable(_named(error))[:LONGEST_ERROR]
    wait = retrying.wait(delivery.attempts + 1, error, MAX_ATTEMPTS)
    return Verdict(Status.DEAD if wait is None else Status.RETRYING, reason, wait)


def judge(runs: list[Run], delivery: DeliveryRow, done: Mapping[str, str], notes: list[str]) -> Verdict:
    """Return the verdict on a delivery after these runs; `done` holds the outcomes of earlier handlers."""
    failures = [run for run in runs if run.error]
    waits = [run.retry_after for run in failures if run.retry_after is not None]
    status, error = Status.SUCCEEDED, "; ".join([f"{run.handler}: {run.error}" for run in failures])
    if waits:
        status = Status.RETRYING
    elif failures:
        status = Status.DEAD
    elif Outcome.PERMANENT in done.values():
        status, error = Status.DEAD, delivery.error
    return Verdict(status, error, max(waits, default=None), runs, notes=notes)


async def _all(attempts: list[Coroutine[Any, Any, Run]]) -> list[Run]:
    """Return the runs. All of them end before one's error is raised, so that none is left behind at work."""
    ended = await asyncio.gather(*attempts, return_exceptions=True)
    for one in ended:
        if isinstance(one, BaseException):
            raise one
    return [one for one in ended if isinstance(one, Run)]


async def _run(
    handler: Handler,
    event: schemas.Event,
    context: DeliveryContext,
    trigger: Trigger,
    conditions: Conditions,
) -> Run:
    run = Run(handler.name, context.attempt, trigger, Outcome.SUCCEEDED, datetime.now(UTC))
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine runs in one
    expired = False

    def expire() -> None:
        nonlocal expired
        expired = True  # the clock does not tell: a timer may be a millisecond early
        task.cancel()

    # `asyncio.timeout` costs six times as much.
    limit = loop.call_later(handler.timeout, expire) if conditions.limited else None
    start = time.perf_counter()
    with tracing.span("handle", context.guid, handler=handler.name) as span:
        try:
            returned = await handler.run(event, context)
            if isinstance(returned, BaseException):
                raise returned  # noqa: TRY301 - it is judged below, as one that was raised
            if task.cancelling():
                await asyncio.sleep(0)  # a handler that cancelled its own task is cancelled here
            _lift(limit, task)
        except BaseException as error:  # a panic of a library in Rust is no `Exception`
            cancelled = isinstance(error, asyncio.CancelledError)
            if cancelled and conditions.stopping():
                raise
            if isinstance(error, KeyboardInterrupt | BdbQuit) and not conditions.limited:
                raise KeyboardInterrupt from error
            _lift(limit, task)
            if conditions.forgiving and database.connection_lost(error):
                raise DatabaseAwayError(one_line(str(error), LONGEST_ERROR)) from error
            _fail(run, handler, error, timed_out=expired and cancelled)
            tracing.fail(span, run.error)
    run.duration = time.perf_counter() - start
    return run


def _lift(limit: asyncio.TimerHandle | None, task: "asyncio.Task[Any]") -> None:
    """End the time limit, and forget the cancellations of the task by it or by the handler."""
    if limit is not None:
        limit.cancel()
    while task.cancelling():
        task.uncancel()


def _fail(run: Run, handler: Handler, error: BaseException, *, timed_out: bool) -> None:
    """Write down what the handler raised, and whether it runs again."""
    reason = f"timed out after {handler.timeout:g} seconds" if timed_out else _named(error)
    run.retry_after = retrying.wait(run.attempt, error, handler.max_attempts)
    run.outcome = Outcome.FAILED if run.retry_after is not None else Outcome.PERMANENT
    if run.retry_after is None and not isinstance(error, PermanentError):
        reason = f"{run.attempt} attempts used up; {reason}"
    run.error = schemas.storable(reason)[:LONGEST_ERROR]
    stack = _made("traceback", lambda: "".join(traceback.format_exception(error)))
    run.traceback = schemas.storable(stack)[-LONGEST_TRACEBACK:]


def _named(error: BaseException) -> str:
    """Return the class and the text of an error, and of a group also those of its first one."""
    text = f"{type(error).__name__}: {_made('text', lambda: str(error))}"
    if not isinstance(error, BaseExceptionGroup):
        return text
    return f"{text}: {_made('text of its first error', lambda: _named(error.exceptions[0]))}"


def _made(what: str, make: Callable[[], str]) -> str:
    """Return a text of an error that code of the handler may fail to make, such as its `__str__`."""
    try:
        return make()
    except BaseException as why:  # noqa: BLE001 - `sys.exit` there would stop every worker that claims it
        return f"<no {what}: {type(why).__name__}>"
