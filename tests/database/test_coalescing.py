"""Concurrent calls become one write, and a call that the database refuses fails alone."""

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction
from django.db.transaction import TransactionManagementError
from django.utils import timezone

import database
from database import Coalescer, bulk, choose_orm_thread, coalescing, run
from records.models import Push, Repository

pytestmark = pytest.mark.django_db(transaction=True)


class Squares:
    """A write that counts its calls and rejects some numbers, as a database would."""

    def __init__(self, refused: Sequence[int] = (), deadlocks: int = 0) -> None:
        self.refused, self.deadlocks = refused, deadlocks
        self.calls: list[list[int]] = []
        self.write = Coalescer(self._write, rows=lambda number: number)

    def _write(self, items: Sequence[int]) -> Sequence[int]:
        self.calls.append(list(items))
        if self.deadlocks:
            self.deadlocks -= 1
            raise OperationalError("deadlock detected")
        for item in items:
            if item in self.refused:
                raise IntegrityError(f"{item} is refused")
        return [item * item for item in items]


async def test_a_write_that_returns_too_few_results_is_an_error_for_its_callers() -> None:
    def forgetful(items: Sequence[int]) -> Sequence[int]:
        return items[:0]

    write = Coalescer(forgetful)
    async with asyncio.timeout(30):
        outcomes = await asyncio.gather(*(write(number) for number in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [RuntimeError] * 3


async def test_concurrent_calls_become_one_write_and_each_gets_its_own_result() -> None:
    squares = Squares()
    assert await asyncio.gather(*(squares.write(number) for number in range(50))) == [
        number * number for number in range(50)
    ]
    assert squares.calls == [list(range(50))]


async def test_a_refused_call_fails_alone() -> None:
    squares = Squares(refused=(7, 30))
    outcomes = await asyncio.gather(*(squares.write(number) for number in range(50)), return_exceptions=True)
    assert {number for number, outcome in enumerate(outcomes) if isinstance(outcome, IntegrityError)} == {
        7,
        30,
    }
    assert [outcome for outcome in outcomes if isinstance(outcome, int)] == [
        number * number for number in range(50) if number not in {7, 30}
    ]
    assert len(squares.calls) < 30


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite's indexes hold keys of any length")
async def test_a_call_beyond_a_limit_of_the_server_fails_alone() -> None:
    repository = await Repository.objects.acreate(github_id=1, full_name="harbour-works/tide-tables")
    fields = ("repository_id", "ref", "before", "after", "pushed_at", "forced", "created", "deleted",
              "truncated", "head_commit_sha", "pusher")  # fmt: skip

    def write(refs: Sequence[str]) -> Sequence[str]:
        with transaction.atomic():
            rows = [
                (repository.pk, ref, "", "", timezone.now(), False, False, False, False, "", "")
                for ref in refs
            ]
            bulk.insert(Push, fields, rows)
        return refs

    # A text that does not compress does not fit into a key.
    refs = [f"refs/heads/{number}" for number in range(9)] + [os.urandom(3000).hex()]
    outcomes = await asyncio.gather(*map(Coalescer(write), refs), return_exceptions=True)
    assert outcomes[:9] == refs[:9]
    assert isinstance(outcomes[9], OperationalError)


async def test_a_deadlock_is_retried() -> None:
    squares = Squares(deadlocks=2)
    assert tuple(await asyncio.gather(squares.write(2), squares.write(3))) == (4, 9)


async def test_an_unavailable_database_is_an_error_for_every_caller() -> None:
    squares = Squares(deadlocks=99)
    outcomes = await asyncio.gather(squares.write(2), squares.write(3), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [OperationalError, OperationalError]


async def test_a_database_that_takes_no_writes_is_an_outage() -> None:
    def write() -> None:
        off = "SET TRANSACTION READ ONLY" if connection.vendor == "postgresql" else "PRAGMA query_only = on"
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(off)
            try:
                cursor.execute("DELETE FROM records_push")
            finally:
                if connection.vendor == "sqlite":
                    cursor.execute("PRAGMA query_only = off")

    with pytest.raises(DatabaseError) as raised:
        await run(write)
    assert database.is_outage(raised.value)


async def test_a_cancelled_caller_cancels_no_other_call() -> None:
    squares = Squares()
    cancelled, other = squares.write(2), squares.write(3)
    await asyncio.sleep(0)
    cancelled.cancel()
    assert await other == 9
    assert cancelled.cancelled()


async def test_a_write_has_a_bounded_number_of_rows() -> None:
    squares = Squares()
    some = coalescing.MAX_ROWS * 2 // 5
    await asyncio.gather(*(squares.write(some) for _ in range(5)), squares.write(2 * coalescing.MAX_ROWS))
    assert squares.calls == [[some, some], [some, some], [some], [2 * coalescing.MAX_ROWS]]


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time")
async def test_as_many_writes_run_at_once_as_are_allowed_and_no_more() -> None:
    places, together = threading.Semaphore(2), threading.Barrier(2)

    def write(items: Sequence[int]) -> Sequence[int]:
        assert places.acquire(blocking=False)  # there are no three
        together.wait(30)  # ends only beside another write
        places.release()
        return items

    double = Coalescer(write, rows=lambda _item: coalescing.MAX_ROWS, at_once=2)
    assert await asyncio.gather(*map(double, range(6))) == list(range(6))


@pytest.mark.parametrize("at_once", [1, 2])
async def test_no_call_is_left_waiting_whenever_it_comes(at_once: int) -> None:
    write = Coalescer[int, int](lambda items: items, at_once=at_once)

    async def call(steps: int) -> None:
        for number in range(100):
            assert await write(number) == number
            for _ in range(steps):
                await asyncio.sleep(0)

    async with asyncio.timeout(30):
        await asyncio.gather(*(call(steps) for steps in range(5)))


def cut_off() -> int:
    """Close this thread's connection on the server, as a restart does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    return 0


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no connection to lose")
async def test_a_lost_connection_is_replaced_without_an_error() -> None:
    for _ in range(8):
        with pytest.raises(OperationalError):
            await run(cut_off)
    assert await asyncio.gather(*(run(Repository.objects.count) for _ in range(8))) == [0] * 8


async def in_orm_thread(function: Callable[..., Any], **named: Any) -> None:
    async def call() -> None:
        choose_orm_thread()
        await sync_to_async(function)(**named)

    await asyncio.create_task(call())


def begin() -> None:
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")


def close_in_block() -> None:
    transaction.atomic().__enter__()
    connection.close()


def switch_off() -> None:
    transaction.set_autocommit(False)


@pytest.mark.parametrize("call", [run, in_orm_thread])
@pytest.mark.parametrize("leave_open", [switch_off, transaction.atomic().__enter__, begin, close_in_block])
async def test_a_call_that_leaves_its_transaction_open_fails_and_takes_nothing_from_those_after_it(
    call: Callable[..., Any], leave_open: Callable[[], object]
) -> None:
    for _ in range(database.threads.THREADS):
        with pytest.raises(TransactionManagementError, match="did not end its transaction"):
            await call(leave_open)
    for number in range(database.threads.THREADS):
        await call(Repository.objects.create, github_id=number)
    assert await Repository.objects.acount() == database.threads.THREADS


async def test_a_call_that_raises_stop_iteration_fails() -> None:
    with pytest.raises(RuntimeError, match="StopIteration"):
        await run(next, iter([]))


async def test_threads_that_end_give_their_connections_back() -> None:
    for _ in range(10):
        assert set(await asyncio.gather(*(run(Repository.objects.count) for _ in range(8)))) == {0}
        database.close()


async def test_concurrent_tasks_use_several_orm_threads() -> None:
    async def look() -> str:
        choose_orm_thread()
        return str((await Repository.objects.aget_or_create(github_id=1))[0])

    await asyncio.gather(*(asyncio.create_task(look()) for _ in range(8)))
    assert await Repository.objects.acount() == 1


async def test_a_write_for_many_callers_is_in_the_context_of_none() -> None:
    caller, seen = ContextVar("caller", default="nobody"), list[str]()
    caller.set("the first")

    def rows(_item: int) -> int:
        seen.append(caller.get())
        return 1

    await Coalescer[int, int](list, rows)(7)
    assert seen == ["nobody"]


async def test_connections_close_while_handlers_hold_all_threads_of_the_event_loop() -> None:
    await run(list)
    ended, loop = threading.Event(), asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    held = loop.run_in_executor(None, ended.wait)
    try:
        async with asyncio.timeout(5):
            await database.close_within(10)
    finally:
        ended.set()
        await held
