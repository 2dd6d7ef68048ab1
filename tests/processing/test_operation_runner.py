"""Operations as workers run them: in portions, under leases, cancelled and given back between portions."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError

from database import row_sets
from ledger import operations
from ledger.models import Kind, Operation, State
from ledger.operations import Progress, Step
from processing import operation_runner
from processing.operation_runner import Kinds, OperationRunner
from tests import beside

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


class Workers:
    """The runners of several workers in this process."""

    def __init__(self) -> None:
        self._running: list[tuple[OperationRunner, asyncio.Task[None]]] = []

    def start(self, kinds: Kinds, worker: str = "w:1") -> OperationRunner:
        runner = OperationRunner(worker, kinds)
        self._running.append((runner, asyncio.create_task(runner.run())))
        return runner

    async def ask(self, kind: Kind, **options: Any) -> int:
        """Ask for an operation; return its id."""
        operation = await sync_to_async(operations.create)(kind, {}, "ada", **options)
        self.wake_up()
        return operation.pk

    def wake_up(self) -> None:
        for runner, _ in self._running:
            runner.due.set()

    async def stop(self) -> None:
        """Stop them as a worker does."""
        while self._running:
            _, task = self._running.pop()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    made = Workers()
    yield made
    await made.stop()


async def reached(pk: int, **columns: Any) -> Operation:
    """Wait until the operation is like this."""
    async with asyncio.timeout(30):
        while True:
            if found := await Operation.objects.filter(pk=pk, **columns).afirst():
                return found
            await asyncio.sleep(0.01)


async def three(operation: Operation) -> Progress:
    """A kind of three portions with two items each, one of which cannot be done."""
    at = (operation.cursor or 0) + 1
    return Progress(at, done=1, failures={"it is gone": 1}, finished=at == 3, estimated=6)


async def waits(operation: Operation) -> Progress:
    """A kind that always waits long for its next portion."""
    return Progress((operation.cursor or 0) + 1, done=1, wait=600)


async def test_an_operation_runs_to_its_end_in_portions(workers: Workers) -> None:
    seen: list[int] = []
    last = asyncio.Event()

    def note(operation: Operation) -> None:
        seen.append(operation.processed)
        if operation.state == State.FINISHED:
            last.set()

    runner = workers.start({"sync": three})
    runner.on_portion = note
    ended = await reached(await workers.ask(Kind.SYNC), state=State.FINISHED)
    assert (ended.done, ended.failed, ended.failures, ended.estimated) == (3, 3, {"it is gone": 3}, 6)
    # The runner calls back after the end is written.
    async with asyncio.timeout(30):
        await last.wait()
    assert seen == [2, 4, 6]
    assert None not in {ended.started_at, ended.finished_at}


async def test_a_portion_that_raises_fails_its_operation_and_not_the_worker(
    workers: Workers,
) -> None:
    async def breaks(_operation: Operation) -> Progress:
        raise ValueError("no such repository: \0")

    workers.start({"sync": breaks, "prune": three})
    failed = await reached(await workers.ask(Kind.SYNC), state=State.FAILED)
    assert failed.error == "ValueError: no such repository: \\u0000"
    await reached(await workers.ask(Kind.PRUNE), state=State.FINISHED)


async def test_a_step_that_raises_leaves_nothing_of_its_portion(workers: Workers) -> None:
    def step(operation: Operation) -> Progress:
        Operation.objects.filter(pk=operation.pk).update(requested_by="nobody")
        raise ValueError("half-way")

    async def breaks(_operation: Operation) -> Step:
        return step

    workers.start({"sync": breaks})
    failed = await reached(await workers.ask(Kind.SYNC), state=State.FAILED)
    assert (failed.error, failed.requested_by) == ("ValueError: half-way", "ada")


async def test_an_outage_of_the_database_interrupts_an_operation_and_fails_nothing(workers: Workers) -> None:
    answers = iter([False, True])

    async def portion(_operation: Operation) -> Progress:
        if not next(answers):
            raise OperationalError("server closed the connection unexpectedly")
        return Progress(None, done=1, finished=True)

    workers.start({"sync": portion})
    ended = await reached(await workers.ask(Kind.SYNC), finished_at__isnull=False)
    assert (ended.state, ended.done, ended.crashes) == ("finished", 1, 0)


async def test_a_waiting_operation_is_cancelled_at_once_and_resumed_at_its_cursor(workers: Workers) -> None:
    workers.start({"sync": waits})
    pk = await workers.ask(Kind.SYNC)
    await reached(pk, cursor=1)
    assert await sync_to_async(operations.cancel)(pk, "bob")
    await reached(pk, state=State.CANCELLED, lease_expires_at=None)
    await sync_to_async(operations.resume)(pk, "bob")
    workers.wake_up()
    assert (await reached(pk, state=State.RUNNING, cursor=2)).done == 2


async def test_a_worker_that_stops_gives_its_operation_back_at_once(workers: Workers) -> None:
    workers.start({"sync": waits})
    pk = await workers.ask(Kind.SYNC)
    await reached(pk, cursor=1)
    await workers.stop()
    given_back = await Operation.objects.aget(pk=pk)
    assert (given_back.state, given_back.lease_expires_at, given_back.cursor) == ("queued", None, 1)


async def test_a_portion_whose_lease_is_renewed_is_run_by_one_worker_alone(workers: Workers) -> None:
    running: set[str] = set()

    def slow(worker: str) -> Kinds:
        async def portion(operation: Operation) -> Progress:
            assert not running, f"{worker} beside {running}"
            running.add(worker)
            workers.wake_up()
            await reached(operation.pk, lease_expires_at__gt=operation.lease_expires_at)
            workers.wake_up()
            running.remove(worker)
            return Progress(None, done=1, finished=True)

        return {"sync": portion}

    for worker in ("w:1", "w:2", "w:3"):
        workers.start(slow(worker), worker)
    ended = await reached(await workers.ask(Kind.SYNC), finished_at__isnull=False)
    assert (ended.state, ended.done, ended.error) == ("finished", 1, "")


async def test_a_slow_operation_does_not_hold_up_another(workers: Workers) -> None:
    workers.start({"sync": waits, "prune": three})
    slow = await workers.ask(Kind.SYNC)
    await reached(slow, cursor=1)
    await reached(await workers.ask(Kind.PRUNE), state=State.FINISHED)
    assert (await Operation.objects.aget(pk=slow)).state == State.RUNNING


async def test_a_rate_is_kept_to(workers: Workers) -> None:
    workers.start({"sync": three})
    loop = asyncio.get_running_loop()
    begin = loop.time()
    await reached(await workers.ask(Kind.SYNC, rate=8.0), state=State.FINISHED)
    # Two items at once, and then two portions of two more.
    assert loop.time() - begin >= 0.5


async def test_a_stop_while_a_claim_waits_for_a_database_that_then_fails_is_a_stop(workers: Workers) -> None:
    await workers.ask(Kind.SYNC)
    with beside.connected() as other:
        beside.lock(other, "ledger_operation")
        running = asyncio.create_task(OperationRunner("w:1", {"sync": waits}).run())
        await asyncio.wait({running}, timeout=3 * operation_runner.DELAY)  # the claim waits for the lock
        running.cancel()
        await asyncio.sleep(0)  # the cancellation reaches the runner before the claim fails
        other.execute("ALTER TABLE ledger_operation RENAME TO away")
        other.execute("COMMIT")
        try:
            async with asyncio.timeout(30):
                await asyncio.gather(running, return_exceptions=True)
        finally:
            other.execute("ALTER TABLE away RENAME TO ledger_operation")
    assert running.cancelled()


async def test_a_stop_while_progress_is_written_gives_the_operation_back(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A slow thread, and not a slow statement, whose row would be locked.
    begun, goes_on = threading.Event(), threading.Event()
    advance = operations.advance

    def slow(*arguments: Any) -> Any:
        begun.set()
        goes_on.wait()
        return advance(*arguments)

    monkeypatch.setattr(operations, "advance", slow)
    workers.start({"sync": waits})
    pk = await workers.ask(Kind.SYNC)
    await asyncio.to_thread(begun.wait)
    stopping = asyncio.create_task(workers.stop())
    # The worker waits for the call, or has given back what it holds.
    await asyncio.wait({stopping}, timeout=0.2)
    goes_on.set()
    await stopping
    given_back = await Operation.objects.aget(pk=pk)
    assert (given_back.state, given_back.lease_expires_at, given_back.cursor) == ("queued", None, 1)


async def test_a_worker_claims_deliveries_before_it_looks_for_an_operation(workers: Workers) -> None:
    pk = await workers.ask(Kind.SYNC)
    begun = await sync_to_async(row_sets.clock)()
    workers.start({"sync": three})
    ended = await reached(pk, state=State.FINISHED)
    assert ended.started_at is not None
    # A timer may be a millisecond early.
    assert (ended.started_at - begun).total_seconds() > 0.9 * operation_runner.DELAY
