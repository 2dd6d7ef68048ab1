"""A batch: each delivery settles by itself, and each run has a row."""

import asyncio
import contextlib
import json
import logging
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.utils import timezone

import schemas
from handlers import DeliveryContext, PermanentError, RetryableError
from handlers._registry import MAX_ATTEMPTS
from processing import batch_runner, claiming, leases, retrying, settling, statements
from processing.batch_runner import BatchRunner
from processing.claiming import Claimed
from processing.running import Conditions, Verdict
from receiver.models import Delivery, HandlerRun, Status
from schemas.push import PushEvent
from tests import github, later
from tests.processing.deliveries import Recorder, drain, idle, stored

pytestmark = pytest.mark.django_db(transaction=True)

make = sync_to_async(stored)


@pytest.fixture(autouse=True)
def _long_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make retries wait, so that `drain` does not run them."""
    monkeypatch.setattr(retrying, "FIRST_BACKOFF", retrying.LONGEST_BACKOFF)
    monkeypatch.setattr(random, "uniform", lambda _low, high: high)


async def process(recorder: Recorder, *rows: Delivery) -> list[Delivery]:
    await drain(recorder.runner())
    return [await Delivery.objects.aget(pk=row.pk) for row in rows]


@asynccontextmanager
async def running(runner: BatchRunner) -> AsyncIterator[None]:
    """Let it claim by itself during the context."""
    task = asyncio.create_task(runner.run(30))
    async with asyncio.timeout(30):
        yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def due() -> None:
    """Make every retry due."""
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
    async with asyncio.timeout(30):
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
    payload["repository"]["id"] = "yesterday"
    [row] = await process(Recorder(), await make(body=json.dumps(payload).encode()))
    assert row.error.startswith("repository.id: ")
    assert "yesterday" not in row.error


async def test_unreadable_parts_are_noted_in_the_log_line(
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


async def test_a_fault_beside_the_handlers_fails_the_attempt_and_is_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    recorder = Recorder()
    [handler] = recorder.registry.handlers["push"]
    object.__setattr__(handler, "actions", 5)  # the program looks for an action in it
    [row, other] = await process(recorder, await make(), await make("star__created"))
    assert (row.status, row.attempts, other.status) == ("retrying", 1, "ignored")
    assert row.error.startswith("TypeError: ")
    assert "attempt failed" in caplog.text
    await Delivery.objects.filter(pk=row.pk).aupdate(attempts=MAX_ATTEMPTS - 1)
    await due()
    [row] = await process(recorder, row)
    assert (row.status, row.attempts) == ("dead", MAX_ATTEMPTS)


async def test_after_a_settlement_that_fails_as_a_whole_capacity_is_free_and_all_is_done_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recorder = Recorder()
    row = await make()
    with monkeypatch.context() as patch:
        patch.setattr(settling, "settle_all", lambda ended: 1 / 0)
        runner = recorder.runner()
        await drain(runner)
    assert (await Delivery.objects.aget()).status == "processing"
    assert runner.leases.held == {}
    await Delivery.objects.aupdate(lease_expires_at=timezone.now())
    await drain(runner)
    [row] = await process(recorder, row)
    assert (row.status, row.attempts, row.crashes) == ("succeeded", 1, 0)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no connection to lose")
async def test_a_claim_that_was_committed_before_its_connection_broke_is_found_again_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recorder = Recorder()
    await process(recorder)  # a connection that was used before is replaced without an error
    read, reads = claiming.add_bodies, list[int]()

    def cut_once(claims: list[Claimed]) -> None:
        reads.append(len(claims))
        if reads == [1]:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        read(claims)

    monkeypatch.setattr(claiming, "add_bodies", cut_once)
    [row] = await process(recorder, await make())
    assert (row.status, row.claims, row.crashes) == ("succeeded", 2, 0)
    assert reads[:2] == [1, 1]


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


async def test_a_worker_that_stops_gives_back_what_it_has_not_settled() -> None:
    recorder = Recorder(hangs=None)
    entered = asyncio.Event()

    async def hang(*_: object) -> None:
        entered.set()
        await asyncio.Event().wait()

    object.__setattr__(recorder.registry.handlers["push"][0], "run", hang)
    slow, quick = await make(), await make("star__created")
    runner = recorder.runner()
    await runner.claim()
    await entered.wait()
    while (await Delivery.objects.aget(pk=quick.pk)).status != "ignored":  # noqa: ASYNC110 - another thread writes it
        await asyncio.sleep(0.01)
    await runner.stop(0)
    slow = await Delivery.objects.aget(pk=slow.pk)
    assert (slow.status, slow.attempts) == ("received", 0)


async def test_a_handler_that_catches_its_cancellation_does_not_keep_the_worker_from_stopping() -> None:
    recorder = Recorder(hangs=None)
    entered, ended = asyncio.Event(), asyncio.Event()

    async def stubborn(*_: object) -> None:
        entered.set()
        while not ended.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await ended.wait()

    object.__setattr__(recorder.registry.handlers["push"][0], "run", stubborn)
    row = await make()
    runner = recorder.runner()
    await runner.claim()
    await entered.wait()
    async with asyncio.timeout(30):
        await runner.stop(0)
        ended.set()
    row = await Delivery.objects.aget(pk=row.pk)
    assert (row.status, row.attempts) == ("received", 0)


class PanicException(BaseException):
    """What a library in Rust raises where it panics: https://pyo3.rs/main/doc/pyo3/panic/"""


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


async def test_a_panic_in_a_schema_fails_the_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    def panic(*_: object) -> None:
        raise PanicException("index")

    monkeypatch.setattr(schemas, "parse", panic)
    [row] = await process(Recorder(), await make())
    assert (row.status, row.attempts, row.error) == ("retrying", 1, "PanicException: index")


async def test_an_attempt_that_is_thrown_away_is_not_logged_as_a_failed_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    recorder = Recorder()

    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    object.__setattr__(recorder.registry.handlers["push"][0], "run", hang)
    await make()
    runner = recorder.runner()
    [claimed] = (await runner.claim()).claims
    attempt = runner._attempt(claimed, Conditions())
    attempt.send(None)
    attempt.close()  # as Python does with the tasks of a loop that has ended
    await runner.stop(0)
    assert "attempt failed" not in caplog.text


class SilentError(Exception):
    """Has no text."""

    def __str__(self) -> str:
        raise ValueError("no text")


async def test_an_error_without_a_text_is_the_failure_of_its_handler_alone() -> None:
    recorder = Recorder(fails=SilentError(), works=None)
    [row] = await process(recorder, await make())
    assert (row.status, row.error) == ("retrying", "deliveries.fails: SilentError: <no text: ValueError>")
    assert sorted(await runs("handler", "outcome")) == [
        ("deliveries.fails", "failed"),
        ("deliveries.works", "succeeded"),
    ]


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


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        (b"no frame", "ZstdError"),
        (later.frame(), "UnknownDictionaryError: compressed with dictionary 7"),
    ],
)
async def test_a_body_that_cannot_be_read_is_the_end_of_its_own_delivery(frame: bytes, error: str) -> None:
    broken, good = await make(), await make()

    def corrupt() -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE receiver_delivery SET body = %s WHERE id = %s", [frame, broken.pk])

    await sync_to_async(corrupt)()
    await drain(Recorder().runner())
    [broken, good] = await without_bodies()
    assert (broken.status, good.status) == ("dead", "succeeded")
    assert broken.error.startswith(f"the stored body cannot be read: {error}")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite divides by zero without an error")
async def test_a_body_that_the_database_cannot_read_is_the_end_of_its_own_delivery(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [await make() for _ in range(5)]
    text = statements.text

    def failing(name: str, vendor: str) -> str:
        # As a value does whose parts outside the row are lost.
        broken = f"CASE WHEN id / (id - {rows[2].pk}) > 0 THEN body ELSE body END"
        return text(name, vendor).replace("body", broken) if name == "bodies" else text(name, vendor)

    monkeypatch.setattr(statements, "text", failing)
    left = await process(Recorder(), *rows)
    assert [row.status for row in left] == ["succeeded", "succeeded", "dead", "succeeded", "succeeded"]
    assert left[2].error.startswith("the stored body cannot be read: DataError: division by zero")
    assert left[2].claims == 1


async def without_bodies() -> list[Delivery]:
    return [row async for row in Delivery.objects.defer("body").order_by("pk")]


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


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no connection to lose")
async def test_a_connection_that_is_cut_costs_a_handler_of_the_orm_no_attempt_and_the_thread_heals() -> None:
    recorder = Recorder()
    seen: list[int] = []

    async def run(_event: PushEvent, _delivery: DeliveryContext) -> None:
        seen.append(await Delivery.objects.acount())
        if len(seen) <= 3:
            # Each ORM thread has its own connection, and each of these deliveries uses another thread.
            await sync_to_async(cut)()
        await Delivery.objects.acount()

    def cut() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pid = cursor.fetchone()[0]
        with psycopg.connect(**parameters(), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [pid])

    object.__setattr__(recorder.registry.handlers["push"][0], "run", run)
    rows = await process(recorder, *[await make() for _ in range(6)])
    assert {(row.status, row.attempts) for row in rows} == {("succeeded", 1)}
    assert await HandlerRun.objects.exclude(outcome="succeeded").acount() == 0
    assert len(seen) > 6


def parameters() -> dict[str, Any]:
    found = connection.get_connection_params()
    return {name: found[name] for name in ("dbname", "user", "host", "port") if name in found}


async def test_a_handler_that_loses_its_connection_each_time_uses_up_attempts_in_the_end() -> None:
    recorder = Recorder(away=psycopg.OperationalError("the connection is closed"))
    [row] = await process(recorder, await make())
    assert (row.status, row.attempts) == ("retrying", 1)
    assert len(recorder.calls) == batch_runner.OUTAGES + 1


async def test_wake_ups_in_quick_succession_share_a_claim() -> None:
    runner, count, done = Recorder().runner(), 0, asyncio.Event()
    claim = runner.claim

    async def woken() -> claiming.ClaimResult:
        nonlocal count
        count += 1
        if count == 6:
            done.set()
        runner.due.set()
        return await claim()

    runner.claim = woken  # type: ignore[method-assign]
    began = time.monotonic()
    async with running(runner):
        await done.wait()
        # A timer may be a millisecond early.
        assert time.monotonic() - began > 0.9 * 5 * batch_runner.CLAIM_INTERVAL


async def test_the_rest_of_a_backlog_is_claimed_without_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_runner, "CLAIM_INTERVAL", 60)
    monkeypatch.setattr(leases, "CLAIM", 1)
    for _ in range(3):
        await make("star__created")
    async with running(Recorder().runner()):
        while await Delivery.objects.filter(status="ignored").acount() < 3:  # noqa: ASYNC110 - the rows say it
            await asyncio.sleep(0.01)


async def test_an_attempt_that_ends_in_the_moment_in_which_the_settlers_end_is_settled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [await make() for _ in range(3)]
    ends, settled = [asyncio.Event() for _ in rows], asyncio.Event()
    written = asyncio.Semaphore(0)
    settle_all = settling.settle_all

    async def attempt(claimed: Claimed, *_: Any) -> Verdict:
        await ends[[row.pk for row in rows].index(claimed.delivery.id)].wait()
        return Verdict(Status.SUCCEEDED)

    async def held_up(ended: list[settling.Ended]) -> tuple[list[Exception | None], int]:
        result = await settle_all(ended)
        written.release()
        await settled.wait()
        return result

    monkeypatch.setattr("processing.running.attempt", attempt)
    monkeypatch.setattr(settling, "settle_all", held_up)
    runner = Recorder().runner()
    async with asyncio.timeout(30):
        await runner.claim()
        for end in ends[:2]:
            end.set()
            await written.acquire()
        # The loop wakes both settlers first, which find no more, and then the third delivery.
        settled.set()
        ends[2].set()
        await idle(runner)
    assert await Delivery.objects.filter(status=Status.SUCCEEDED).acount() == 3
