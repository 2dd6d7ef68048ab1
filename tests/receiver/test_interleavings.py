"""Intake's scheduling: in every order of arrivals, commits and cancellations, no delivery waits for ever."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import pytest
from django.db import DatabaseError
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from receiver.arrivals import Arrival, Key
from receiver.intake import LONE_WRITER_TURNS, MAX_BATCH, MIN_SECOND_BATCH, Intake, StoreDownError
from receiver.store import DownError, Receipt, RefusedError, Row, Stored
from tests import servers

GUID = "8a3c0a52-0000-4000-8000-000000000001"


class ScriptedWriter:
    """A writer whose commits end when and how the test decides."""

    def __init__(self) -> None:
        self.running: asyncio.Future[Exception | None] | None = None
        self.committed: set[Key] = set()
        self.reopen_error: Exception | None = None

    async def insert(self, arrivals: Sequence[Arrival], times: Sequence[int]) -> dict[Key, int]:
        assert self.running is None, "one batch at a time"
        self.running = asyncio.get_running_loop().create_future()
        try:
            error = await self.running
        finally:
            self.running = None
        if error is not None:
            raise error
        self.committed |= {arrival.key for arrival in arrivals}
        return {arrival.key: number for number, arrival in enumerate(arrivals)}

    async def redeliver(self, arrivals: Sequence[Arrival], times: Sequence[int]) -> dict[Key, Row]:
        raise AssertionError("every key is new")

    async def reopen(self, ids: Sequence[int]) -> list[int]:
        raise AssertionError("nothing is there to reopen")

    async def probe(self) -> None:
        """Not used here."""

    async def close(self) -> None:
        """Nothing is open."""

    def end(self, error: Exception | None = None) -> None:
        """End the running commit."""
        if self.running is not None and not self.running.done():
            self.running.set_result(error)


def arrival() -> Arrival:
    return Arrival(str(uuid4()), 1, "", 0, "push", {}, "application/json", b"{}", b"digest")


class Wakes:
    """Counts the wake-ups."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, stored: Stored) -> None:
        self.count += 1


class Script:
    """The events of a test, one step at a time."""

    def __init__(self, writers: int) -> None:
        self.writers = [ScriptedWriter() for _ in range(writers)]
        self.intake = Intake(self.writers, Wakes())
        self.tasks: list[asyncio.Task[Stored]] = []

    def arrive(self, count: int) -> None:
        self.tasks += [asyncio.create_task(self.intake.keep(arrival())) for _ in range(count)]

    def end(self, number: int) -> None:
        self.writers[number % len(self.writers)].end()

    def refuse(self, number: int) -> None:
        self.writers[number % len(self.writers)].end(RefusedError("not this row"))

    def fail(self, number: int) -> None:
        self.writers[number % len(self.writers)].end(RuntimeError("a defect"))

    def down(self, number: int) -> None:
        self.writers[number % len(self.writers)].end(DownError("away"))

    def later(self, _number: int) -> None:
        """Let the time of the next try come."""
        self.intake._try_again_at = 0.0

    def cancel(self, number: int) -> None:
        for task in self.tasks[number : number + 1]:
            task.cancel()

    def step(self, _number: int) -> None:
        """Run the event loop once."""

    async def run(self, steps: list[tuple[str, int]]) -> None:
        for what, number in steps:
            getattr(self, what)(number)
            if what == "step":
                await asyncio.sleep(0)

    async def come_to_rest(self) -> None:
        """End every commit, without further arrivals."""
        for _ in range(20 * len(self.tasks) + 20):
            await asyncio.sleep(0)
            for writer in self.writers:
                writer.end()


steps = st.lists(
    st.one_of(
        st.tuples(st.just("arrive"), st.sampled_from([1, 1, 1, 2, MIN_SECOND_BATCH, 2 * MIN_SECOND_BATCH])),
        st.tuples(st.just("step"), st.just(0)),
        st.tuples(st.sampled_from(["end", "end", "refuse", "fail", "down", "later"]), st.integers(0, 1)),
        st.tuples(st.just("cancel"), st.integers(0, 30)),
    ),
    max_size=60,
)


@hypothesis_settings(max_examples=servers.examples(200, 5000), deadline=None)
@given(steps=steps, writers=st.integers(1, 2))
def test_whatever_the_order_every_arrival_is_answered_without_another_one_coming(
    steps: list[tuple[str, int]], writers: int
) -> None:
    async def run() -> None:
        script = Script(writers)
        await script.run(steps)
        await script.come_to_rest()
        left = [task for task in script.tasks if not task.done()]
        for task in left:
            task.cancel()
        await asyncio.gather(*script.tasks, return_exceptions=True)
        assert not left, f"{len(left)} of {len(script.tasks)} wait with nothing being written"
        assert len(script.intake._idle) == writers, "every writer is idle again"

    asyncio.run(run())


async def test_a_lone_writer_commits_together_what_arrives_within_a_few_steps() -> None:
    script = Script(1)
    await script.run([("arrive", 1), ("step", 0)] * LONE_WRITER_TURNS)
    await script.run([("step", 0), ("step", 0), ("end", 0), ("step", 0)])
    assert len(script.writers[0].committed) == LONE_WRITER_TURNS
    await script.come_to_rest()


async def test_an_arrival_in_the_step_in_which_the_writer_ends_is_written() -> None:
    for delay in range(12):
        writer, wakes = ScriptedWriter(), Wakes()
        intake = Intake([writer], wakes)
        first = asyncio.create_task(intake.keep(arrival()))
        for _ in range(2 + LONE_WRITER_TURNS):
            await asyncio.sleep(0)
        writer.end()
        for _ in range(delay):
            await asyncio.sleep(0)
        second = asyncio.create_task(intake.keep(arrival()))
        for _ in range(20):
            await asyncio.sleep(0)
            writer.end()
        assert first.done(), delay
        assert second.done(), f"nobody wrote the arrival that came {delay} steps after the commit"


async def test_an_error_in_waking_a_worker_costs_neither_the_answer_nor_the_writer() -> None:
    def broken(_stored: Stored) -> None:
        raise ValueError("Port could not be cast to integer value as 'notaport'")

    writer = ScriptedWriter()
    intake = Intake([writer], broken)
    for _ in range(3):
        task = asyncio.create_task(intake.keep(arrival()))
        while not task.done():
            writer.end()
            await asyncio.sleep(0)
        assert task.result().receipt is Receipt.ACCEPTED


@pytest.mark.parametrize("error", [RuntimeError("a defect"), DownError("away"), RefusedError("not this row")])
async def test_an_error_of_the_store_costs_no_writer(error: Exception) -> None:
    writer, wakes = ScriptedWriter(), Wakes()
    intake = Intake([writer], wakes)
    task = asyncio.create_task(intake.keep(arrival()))
    while not task.done():
        writer.end(error)
        await asyncio.sleep(0)
    assert isinstance(task.exception(), StoreDownError | RuntimeError)
    intake._try_again_at = 0.0
    again = asyncio.create_task(intake.keep(arrival()))
    while not again.done():
        writer.end()
        await asyncio.sleep(0)
    assert again.result().receipt is Receipt.ACCEPTED
    assert wakes.count == 1


async def after_an_outage(writers: int) -> Script:
    """Return a script whose store was down, and whose next try is due."""
    script = Script(writers)
    script.arrive(1)
    while not script.tasks[0].done():
        await script.run([("step", 0), *(("down", number) for number in range(writers))])
    with pytest.raises(StoreDownError, match="away"):
        await script.tasks.pop()
    script.later(0)
    return script


@pytest.mark.parametrize("writers", [1, 2])
async def test_deliveries_that_arrive_together_after_an_outage_are_all_stored(writers: int) -> None:
    script = await after_an_outage(writers)
    script.arrive(2 * MIN_SECOND_BATCH)
    await script.run([("step", 0)] * (3 + LONE_WRITER_TURNS))
    assert sum(writer.running is not None for writer in script.writers) == 1, "one batch tries the store"
    await script.come_to_rest()
    assert {task.result().receipt for task in script.tasks} == {Receipt.ACCEPTED}


async def test_a_store_that_hangs_keeps_no_more_than_a_batch_waiting() -> None:
    script = await after_an_outage(1)
    script.arrive(MAX_BATCH + 3)
    await script.run([("step", 0)] * (3 + LONE_WRITER_TURNS))
    assert [task.done() for task in script.tasks] == [False] * MAX_BATCH + [True] * 3
    script.down(0)
    outcomes = await asyncio.gather(*script.tasks, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {StoreDownError}


@pytest.mark.parametrize("error", [DownError("away"), DatabaseError("deadlock detected")])
async def test_an_error_in_reopening_costs_its_own_redelivery_alone(error: Exception) -> None:
    class Reopening(ScriptedWriter):
        async def insert(self, arrivals: Sequence[Arrival], times: Sequence[int]) -> dict[Key, int]:
            return {one.key: number for number, one in enumerate(arrivals) if one.guid != GUID}

        async def redeliver(self, arrivals: Sequence[Arrival], times: Sequence[int]) -> dict[Key, Row]:
            return {one.key: Row(99, "dead", one.digest, one.event) for one in arrivals}

        async def reopen(self, ids: Sequence[int]) -> list[int]:
            raise error

    wakes = Wakes()
    intake = Intake([Reopening()], wakes)
    batch = [arrival() for _ in range(10)]
    batch[3] = batch[3]._replace(guid=GUID)
    outcomes = await asyncio.gather(*map(intake.keep, batch), return_exceptions=True)
    assert [at for at, outcome in enumerate(outcomes) if isinstance(outcome, StoreDownError)] == [3]
    assert wakes.count == 9


async def test_a_refused_row_is_found_by_halving_and_fails_alone() -> None:
    class Choosy(ScriptedWriter):
        async def insert(self, arrivals: Sequence[Arrival], times: Sequence[int]) -> dict[Key, int]:
            await asyncio.sleep(0)
            if any(one.guid == GUID for one in arrivals):
                raise RefusedError("not this row")
            return {one.key: number for number, one in enumerate(arrivals)}

    intake = Intake([Choosy()], Wakes())
    batch = [arrival() for _ in range(50)]
    batch[17] = batch[17]._replace(guid=GUID)
    outcomes = await asyncio.gather(*map(intake.keep, batch), return_exceptions=True)
    assert [at for at, outcome in enumerate(outcomes) if isinstance(outcome, StoreDownError)] == [17]
    assert sum(isinstance(outcome, Stored) for outcome in outcomes) == 49
