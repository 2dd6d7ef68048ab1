"""A batch: every delivery ends in its own way, and each run is written down."""

import asyncio
import json
from datetime import timedelta
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from handlers import PermanentError, RetryableError
from handlers._registry import MAX_ATTEMPTS
from receiver.models import Delivery, HandlerRun
from tests import github
from tests.processing.deliveries import Recorder, stored

pytestmark = pytest.mark.django_db(transaction=True)

make = sync_to_async(stored)


async def process(recorder: Recorder, *rows: Delivery) -> list[Delivery]:
    await recorder.runner().drain()
    return [await Delivery.objects.aget(pk=row.pk) for row in rows]


async def due() -> None:
    """Let the time of every retry come."""
    await Delivery.objects.filter(status="retrying").aupdate(next_attempt_at=timezone.now())


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
    async with asyncio.timeout(10):
        [row] = await process(recorder, await make())
    assert row.status == "succeeded"


async def test_without_a_handler_that_wants_it_a_delivery_is_ignored() -> None:
    [row] = await process(Recorder(), await make("star__created"))
    assert row.status == "ignored"
    assert row.finished_at is not None


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"[]", "payload: "),
        (b'{"ref": 5}', "ref: "),
        (b"[" * 10_000 + b"]" * 10_000, "nested too deeply"),
    ],
)
async def test_what_its_schema_rejects_is_invalid_and_the_error_says_where(body: bytes, told: str) -> None:
    [row] = await process(Recorder(), await make(body=body))
    assert row.status == "invalid"
    assert told in row.error


async def test_the_error_of_an_invalid_delivery_names_the_path_of_the_field() -> None:
    payload = github.payload("push__branch")
    payload["commits"][1]["id"] = "yesterday"
    [row] = await process(Recorder(), await make(body=json.dumps(payload).encode()))
    assert row.error.startswith("commits.1.id: ")
    assert "yesterday" not in row.error


async def test_parts_that_nobody_can_read_are_noted_on_the_workers_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    payload = github.payload("push__branch")
    for commit in payload["commits"]:
        commit["timestamp"] = commit["author"]["email"] = {}
    caplog.set_level("INFO", "processing")
    [row] = await process(Recorder(), await make(body=json.dumps(payload).encode()))
    assert row.status == "succeeded"
    [record] = [record for record in caplog.records if str(row.guid) in record.getMessage()]
    assert "unreadable: commits.0.author.email, commits.0.timestamp" in record.getMessage()
    assert "and 3 more" in record.getMessage()


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


async def test_a_batch_that_is_cancelled_gives_back_what_it_has_not_settled() -> None:
    recorder = Recorder(hangs=None)
    entered = asyncio.Event()

    async def hang(*_: object) -> None:
        entered.set()
        await asyncio.Event().wait()

    object.__setattr__(recorder.registry.handlers["push"][0], "run", hang)
    slow, quick = await make(), await make("star__created")
    runner = recorder.runner()
    batch = runner.start((await runner.claim()).claims)
    await entered.wait()
    while (await Delivery.objects.aget(pk=quick.pk)).status != "ignored":  # noqa: ASYNC110 - another thread writes it
        await asyncio.sleep(0.01)
    await runner.stop(0)
    assert batch.cancelled()
    slow = await Delivery.objects.aget(pk=slow.pk)
    assert (slow.status, slow.attempts) == ("received", 0)
