"""The runner of one worker: when it claims, what it settles, and what it gives back."""

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.utils import timezone

import database
from database import threads
from handlers import DeliveryContext
from handlers._registry import MAX_ATTEMPTS
from processing import batch_runner, claiming, leases
from processing.batch_runner import BatchRunner
from processing.running import Conditions
from receiver.models import Delivery, HandlerRun
from receiver.postgresql import connection_parameters
from schemas.push import PushEvent
from telemetry.logs import JsonLines
from tests import beside
from tests.processing.deliveries import Recorder, drain, due, idle, process, stored

pytestmark = pytest.mark.django_db(transaction=True)

make = sync_to_async(stored)


@asynccontextmanager
async def running(runner: BatchRunner) -> AsyncIterator[None]:
    """Let it claim by itself during the context."""
    task = asyncio.create_task(runner.run(30))
    async with asyncio.timeout(30):
        yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


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


async def test_after_a_settlement_that_fails_capacity_is_free_and_all_is_done_again() -> None:
    recorder = Recorder()
    row = await make()
    runner = recorder.runner()
    with beside.connected() as other:
        other.execute("ALTER TABLE receiver_handlerrun RENAME TO away")
        try:
            await runner.claim()
            await idle(runner)
        finally:
            other.execute("ALTER TABLE away RENAME TO receiver_handlerrun")
    assert (await Delivery.objects.aget()).status == "processing"
    assert runner.leases.held == {}
    assert not runner.due.is_set()  # a full disk may last
    await Delivery.objects.aupdate(lease_expires_at=timezone.now())
    await drain(runner)
    [row] = await process(recorder, row)
    assert (row.status, row.attempts, row.crashes) == ("succeeded", 1, 0)


@pytest.mark.once
async def test_handlers_do_not_begin_once_the_lease_may_have_ended(caplog: pytest.LogCaptureFixture) -> None:
    await make()
    recorder = Recorder()
    runner = recorder.runner(lease=timedelta(0))
    await runner.claim()
    await idle(runner)
    assert recorder.calls == []
    assert "its lease may have ended before it began" in caplog.text


@pytest.mark.once
async def test_after_a_fault_of_this_program_in_a_settlement_capacity_is_free(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(batch_runner, "LogLine", None)
    await make("star__created")
    runner = Recorder().runner()
    await runner.claim()
    await idle(runner)
    assert "not settled count=1" in caplog.text


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no connection to lose")
async def test_a_claim_that_was_committed_before_its_connection_broke_is_found_again_at_once() -> None:
    recorder = Recorder()
    # A connection that was used before is replaced without an error, in whichever thread the claim runs.
    met = threading.Barrier(threads.THREADS, timeout=30)
    await asyncio.gather(*(database.run(connected, met) for _ in range(met.parties)))
    row = await make()
    with (
        ThreadPoolExecutor(1) as thread,
        beside.connected() as looks,
        locking() as second,
        locking() as first,  # ends first, so that nothing waits for it
    ):

        async def waiting(count: int) -> None:
            """Wait until so many statements wait for a lock on the table."""
            async with asyncio.timeout(30):
                while len(looks.execute(WAITING).fetchall()) < count:  # noqa: ASYNC110 - others wait
                    await asyncio.sleep(0.01)

        first.execute("LOCK TABLE receiver_delivery IN EXCLUSIVE MODE")
        processing = asyncio.create_task(process(recorder, row))
        await waiting(1)  # the claim
        locked = thread.submit(second.execute, "LOCK TABLE receiver_delivery")
        await waiting(2)
        first.rollback()
        await asyncio.wrap_future(locked)
        await waiting(1)  # the read of the body, after the commit of the claim
        looks.execute(f"SELECT pg_terminate_backend(pid) FROM ({WAITING}) AS waiting")  # noqa: S608 - our own
        second.rollback()
        [row] = await processing
    assert (row.status, row.claims, row.crashes) == ("succeeded", 2, 0)


def connected(met: threading.Barrier) -> None:
    """Connect this thread, and wait for the others, so that each does."""
    connection.ensure_connection()
    met.wait()


WAITING = "SELECT pid FROM pg_locks WHERE relation = 'receiver_delivery'::regclass AND NOT granted"


def locking() -> "psycopg.Connection[Any]":
    """Connect to PostgreSQL, for one transaction. A thread that waits for a lock cannot be cancelled."""
    opened = psycopg.connect(**connection_parameters())
    opened.execute("SET lock_timeout = '60s'")
    return opened


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
        with beside.connected() as other:
            other.execute("SELECT pg_terminate_backend(%s)", [pid])

    object.__setattr__(recorder.registry.handlers["push"][0], "run", run)
    for _ in range(6):
        await make()
    await drain(recorder.runner())
    rows = [row async for row in Delivery.objects.all()]
    assert {(row.status, row.attempts) for row in rows} == {("succeeded", 1)}
    assert await HandlerRun.objects.exclude(outcome="succeeded").acount() == 0
    assert len(seen) > 6


async def test_a_handler_that_loses_its_connection_each_time_uses_up_attempts_in_the_end() -> None:
    recorder = Recorder(away=psycopg.OperationalError("the connection is closed"))
    await make()
    runner = recorder.runner()
    for _ in range(batch_runner.OUTAGES + 1):
        await runner.claim()
        await idle(runner)
    row = await Delivery.objects.aget()
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


async def test_an_attempt_that_ends_in_the_moment_in_which_the_settlers_end_is_settled() -> None:
    recorder = Recorder()
    rows = [await make() for _ in range(3)]
    ends = [asyncio.Event() for _ in rows]
    runner = recorder.runner()

    async def run(_event: PushEvent, delivery: DeliveryContext) -> None:
        place = [row.guid for row in rows].index(delivery.guid)
        await ends[place].wait()
        while place == 2 and not all(each.done() for each in runner._settlers):  # noqa: ASYNC110 - in their step
            await asyncio.sleep(0)

    object.__setattr__(recorder.registry.handlers["push"][0], "run", run)
    await runner.claim()
    async with asyncio.timeout(30):
        with beside.locked("receiver_delivery"):
            for number, end in enumerate(ends[:2], 1):
                end.set()
                while len(runner._settlers) < number or runner._ended:  # noqa: ASYNC110 - it has no event
                    await asyncio.sleep(0)
            ends[2].set()
            await asyncio.sleep(0.1)  # both wait for the lock
        # The loop stands still until both are committed, so the settlers end in one step of it.
        with beside.connected() as other:
            settled, deadline = (
                "SELECT 1 FROM receiver_delivery WHERE status = 'succeeded'",
                time.monotonic() + 10,
            )
            while len(other.execute(settled).fetchall()) < 2 and time.monotonic() < deadline:
                time.sleep(0.01)  # noqa: ASYNC251 - as above
        time.sleep(0.1)  # noqa: ASYNC251 - both calls have returned
        await idle(runner)
    assert await Delivery.objects.filter(status="succeeded").acount() == 3


async def test_the_line_of_each_failed_attempt_is_about_its_own_delivery(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caplog.handler, "formatter", JsonLines())
    caplog.set_level("WARNING")
    rows = [await make(action=f"number {number}") for number in range(3)]
    await process(Recorder(bad=OSError("away")), *rows)
    lines = [json.loads(line) for line in caplog.text.splitlines()]
    assert {(line["guid"], line["action"]) for line in lines} == {(str(row.guid), row.action) for row in rows}
