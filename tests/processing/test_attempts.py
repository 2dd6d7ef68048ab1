"""An attempt: what the ends of its handlers make of the delivery, and each run has a row."""

import asyncio
import logging
import sys
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from handlers import DeliveryContext, PermanentError, RetryableError
from handlers._registry import MAX_ATTEMPTS
from receiver.models import HandlerRun
from schemas.push import PushEvent
from tests.processing.deliveries import PanicException, Recorder, drain, due, process, stored

pytestmark = pytest.mark.django_db(transaction=True)

make = sync_to_async(stored)


async def runs(*names: str) -> list[tuple[object, ...]]:
    return [row async for row in HandlerRun.objects.order_by("pk").values_list(*names)]


async def test_every_handler_runs_and_each_run_is_written_down() -> None:
    recorder = Recorder(one=None, other=None)
    [row] = await process(recorder, await make())
    assert (row.status, row.attempts, row.error) == ("succeeded", 1, "")
    assert sorted(recorder.calls) == ["one", "other"]
    assert await runs("handler", "attempt", "trigger", "outcome") == [
        ("deliveries.one", 1, "delivery", "succeeded"),
        ("deliveries.other", 1, "delivery", "succeeded"),
    ]


async def test_handlers_of_one_delivery_run_at_the_same_time() -> None:
    recorder = Recorder(one=None, other=None)
    met = asyncio.Barrier(2)
    for handler in recorder.registry.handlers["push"]:
        object.__setattr__(handler, "run", lambda _event, _delivery: met.wait())
    async with asyncio.timeout(30):
        [row] = await process(recorder, await make())
    assert row.status == "succeeded"


async def test_without_a_handler_that_wants_it_a_delivery_is_ignored() -> None:
    [row] = await process(Recorder(), await make("star__created"))
    assert row.status == "ignored"
    assert row.finished_at is not None


async def test_a_failure_is_retried_and_only_what_failed_runs_again() -> None:
    recorder = Recorder(good=None, bad=OSError("the network is away"))
    [row] = await process(recorder, await make())
    assert (row.status, row.attempts) == ("retrying", 1)
    assert row.error == "deliveries.bad: OSError: the network is away"
    assert row.next_attempt_at is not None
    run = await HandlerRun.objects.aget(handler="deliveries.bad")
    assert "Traceback (most recent call last)" in run.traceback
    recorder.raising["bad"] = None
    await due()
    [row] = await process(recorder, row)
    assert (row.status, row.attempts, row.error) == ("succeeded", 2, "")
    assert recorder.calls.count("good") == 1
    assert recorder.calls.count("bad") == 2
    assert ("deliveries.bad", 2, "retry", "succeeded") in await runs(
        "handler", "attempt", "trigger", "outcome"
    )


async def test_a_handler_says_itself_when_it_wants_to_run_again() -> None:
    before = timezone.now()
    [row] = await process(Recorder(late=RetryableError("not yet", retry_in=timedelta(hours=2))), await make())
    assert row.status == "retrying"
    assert row.next_attempt_at is not None
    assert timedelta(hours=1, minutes=59) < row.next_attempt_at - before < timedelta(hours=2, minutes=1)


async def test_the_log_line_names_a_wait_of_less_than_a_second(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await process(Recorder(late=RetryableError("not yet", retry_in=0.4)), await make())
    assert "| again in 0.4 s |" in caplog.text


async def test_a_permanent_error_is_dead_at_once_and_its_neighbours_are_not() -> None:
    doomed = Recorder(never=PermanentError("no such team"))
    [row] = await process(doomed, await make())
    assert (row.status, row.error) == ("dead", "deliveries.never: PermanentError: no such team")
    [row] = await process(Recorder(), await make())
    assert row.status == "succeeded"


async def test_a_permanent_error_beside_one_that_may_pass_is_dead_when_the_other_is_through() -> None:
    recorder = Recorder(never=PermanentError("no"), later=OSError("away"))
    [row] = await process(recorder, await make())
    assert row.status == "retrying"
    recorder.raising["later"] = None
    await due()
    [row] = await process(recorder, row)
    assert (row.status, recorder.calls.count("never")) == ("dead", 1)


async def test_the_last_attempt_that_fails_is_dead() -> None:
    [row] = await process(Recorder(bad=ValueError("x")), await make(attempts=MAX_ATTEMPTS - 1))
    assert (row.status, row.attempts) == ("dead", MAX_ATTEMPTS)
    assert row.error == f"deliveries.bad: {MAX_ATTEMPTS} attempts used up; ValueError: x"


async def test_each_handler_has_attempts_of_its_own() -> None:
    recorder = Recorder(twice=OSError("away"), often=OSError("away"))
    object.__setattr__(recorder.registry.handlers["push"][0], "max_attempts", 2)
    row = await make()
    for _ in range(3):
        await due()
        [row] = await process(recorder, row)
    assert (row.status, recorder.calls.count("twice"), recorder.calls.count("often")) == ("retrying", 2, 3)
    recorder.raising["often"] = None
    await due()
    [row] = await process(recorder, row)
    assert (row.status, recorder.calls.count("twice")) == ("dead", 2)


async def test_what_a_handler_raises_never_touches_its_neighbours() -> None:
    class StrangeError(Exception):
        def __str__(self) -> str:
            return "NUL \0 and \ud800"

    recorder = Recorder(strange=StrangeError())
    bad, good = await make(), await make("star__created")
    [bad, good] = await process(recorder, bad, good)
    assert (bad.status, good.status) == ("retrying", "ignored")
    assert bad.error == "deliveries.strange: StrangeError: NUL \\u0000 and \\ud800"


async def test_an_error_that_a_handler_returns_is_raised() -> None:
    async def returns(*_: object) -> Exception:
        return RetryableError("not yet")

    recorder = Recorder(careless=None)
    object.__setattr__(recorder.registry.handlers["push"][0], "run", returns)
    [row] = await process(recorder, await make())
    assert (row.status, row.error) == ("retrying", "deliveries.careless: RetryableError: not yet")


async def test_a_handler_that_hangs_is_timed_out() -> None:
    recorder = Recorder(hangs=None)
    [handler] = recorder.registry.handlers["push"]
    object.__setattr__(handler, "run", lambda *_: asyncio.Event().wait())
    object.__setattr__(handler, "timeout", 0.05)
    [row] = await process(recorder, await make())
    assert (row.status, row.error) == ("retrying", "deliveries.hangs: timed out after 0.05 seconds")


async def test_two_hooks_of_one_guid_have_their_effect_once() -> None:
    guid = uuid4()
    recorder = Recorder()
    rows = [await make(guid=guid, hook_id=hook_id) for hook_id in (1, 2)]
    [one, other] = await process(recorder, *rows)
    assert (one.status, other.status) == ("succeeded", "succeeded")
    assert recorder.calls == ["works"]
    assert await runs("outcome") == [("succeeded",), ("skipped",)]


@pytest.mark.parametrize("other", [{"source": "acme"}, {"case": "push__tag_annotated", "hook_id": 2}])
async def test_a_guid_of_another_source_or_payload_skips_no_handler(other: dict[str, Any]) -> None:
    guid = uuid4()
    recorder = Recorder()
    await process(recorder, await make(guid=guid, **other), await make(guid=guid))
    assert recorder.calls == ["works", "works"]
    assert await runs("outcome") == [("succeeded",), ("succeeded",)]


@pytest.mark.parametrize(
    "leaked",
    [asyncio.CancelledError(), SystemExit(3), KeyboardInterrupt(), GeneratorExit(), PanicException("index")],
    ids=lambda leaked: type(leaked).__name__,
)
async def test_what_ends_tasks_and_programs_is_the_failure_of_the_handler_that_raised_it(
    leaked: BaseException,
) -> None:
    recorder = Recorder(leaks=leaked)
    leaking, *good = [await make() for _ in range(3)]
    # Only the first delivery leaks.
    [handler] = recorder.registry.handlers["push"]
    leak = handler.run

    async def run(event: PushEvent, delivery: DeliveryContext) -> None:
        if delivery.guid == leaking.guid:
            await leak(event, delivery)

    object.__setattr__(handler, "run", run)
    [leaking, *again] = await process(recorder, leaking, *good)
    assert (leaking.status, leaking.attempts) == ("retrying", 1)
    assert leaking.error.startswith(f"deliveries.leaks: {type(leaked).__name__}")
    failed = await HandlerRun.objects.aget(outcome="failed")
    assert "Traceback (most recent call last)" in failed.traceback
    assert {row.status for row in again} == {"succeeded"}


class SilentError(Exception):
    """Has no text."""

    def __str__(self) -> str:
        raise SystemExit


class TracelessError(Exception):
    """Has no traceback."""

    @property
    def __cause__(self) -> None:  # type: ignore[override]
        raise ValueError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (SilentError(), "SilentError: <no text: SystemExit>"),
        (TracelessError("a"), "TracelessError: a"),
        (
            ExceptionGroup("tasks", [OSError("no route"), ValueError("x")]),
            "ExceptionGroup: tasks (2 sub-exceptions): OSError: no route",
        ),
    ],
)
async def test_an_error_of_any_kind_has_a_reason_and_is_the_failure_of_its_handler_alone(
    error: Exception, text: str
) -> None:
    recorder = Recorder(fails=error, works=None)
    [row] = await process(recorder, await make())
    assert (row.status, row.error) == ("retrying", f"deliveries.fails: {text}")
    assert sorted(await runs("handler", "outcome")) == [
        ("deliveries.fails", "failed"),
        ("deliveries.works", "succeeded"),
    ]


async def test_a_group_nested_deeper_than_python_calls_is_the_failure_of_its_handler() -> None:
    error: Exception = OSError("no route")
    for _ in range(2 * sys.getrecursionlimit()):
        error = ExceptionGroup("g", [error])
    [row] = await process(Recorder(fails=error), await make())
    assert row.status == "retrying"
    assert row.error.startswith("deliveries.fails: ExceptionGroup: g (1 sub-exception): ExceptionGroup: g")


async def test_a_note_of_any_type_is_logged_and_holds_up_no_neighbour(
    caplog: pytest.LogCaptureFixture,
) -> None:
    recorder = Recorder(works=None)

    async def run(_event: PushEvent, delivery: DeliveryContext) -> None:
        delivery.note(3)  # type: ignore[arg-type] # as a handler does that nobody type-checked

    object.__setattr__(recorder.registry.handlers["push"][0], "run", run)
    with caplog.at_level(logging.INFO):
        [row] = await process(recorder, await make())
    assert row.status == "succeeded"
    assert "| 3 | succeeded |" in caplog.text


@pytest.mark.parametrize("awaits", [True, False])
async def test_a_handler_that_cancels_its_own_task_fails_and_is_settled(awaits: bool) -> None:
    recorder = Recorder()

    async def run(_event: PushEvent, _delivery: DeliveryContext) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        if awaits:
            await asyncio.sleep(0)

    object.__setattr__(recorder.registry.handlers["push"][0], "run", run)
    [row] = await process(recorder, await make())
    assert (row.status, row.error) == ("retrying", "deliveries.works: CancelledError: ")


async def test_the_log_line_is_short_and_clean_whatever_was_sent(caplog: pytest.LogCaptureFixture) -> None:
    recorder = Recorder(works=None)

    async def run(_event: PushEvent, delivery: DeliveryContext) -> None:
        delivery.note("\x1b[31m" + "n" * 10_000_000)
        delivery.note("\u202e\x9b turned")

    object.__setattr__(recorder.registry.handlers["push"][0], "run", run)
    await make(repository="a\x1b]0;b\x07/c")
    with caplog.at_level(logging.INFO):
        await drain(recorder.runner())
    [line] = [record.getMessage() for record in caplog.records if "succeeded" in record.getMessage()]
    assert len(line) < 1_200
    assert line.isprintable()
