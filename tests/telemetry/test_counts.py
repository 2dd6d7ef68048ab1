"""Counts of a process, and the table that all processes add to."""

import asyncio
import threading
from collections.abc import Sequence

import pytest
from django.db import DatabaseError, connection

import schemas
from telemetry import events, writing
from telemetry.counts import HANDLER, HISTOGRAMS, RECEIVED, SUM, Cell, Counts
from telemetry.models import Count


def table() -> dict[tuple[str, str, str, int], int]:
    rows = Count.objects.values_list("name", "first", "second", "position", "value")
    return {(name, first, second, position): value for name, first, second, position, value in rows}


def test_a_time_is_in_the_first_bucket_that_holds_it_and_in_the_sum() -> None:
    counts = Counts()
    for seconds in (0.001, 0.0011, 61.0, -5.0):
        counts.observe(HANDLER, seconds, "push.record", "succeeded")
    assert {cell.position: cell.value for cell in counts.take()} == {
        0: 2, 1: 1, len(HANDLER.bounds): 1, SUM: 61_002_100,
    }  # fmt: skip


def test_what_was_taken_is_counted_no_more_and_can_be_put_back() -> None:
    counts = Counts()
    for _ in range(3):
        counts.add(RECEIVED, "push", "accepted")
        counts.observe(HANDLER, 0.5, "push.record", "failed")
    taken = counts.take()
    assert counts.take() == []
    counts.observe(HANDLER, 0.5, "push.record", "failed")
    counts.put_back(taken)
    assert sum(cell.value for cell in counts.take() if cell.position not in {SUM, 0}) == 4


@pytest.mark.parametrize("histogram", HISTOGRAMS, ids=lambda histogram: histogram.name)
def test_the_bounds_of_a_histogram_rise(histogram: object) -> None:
    bounds = histogram.bounds  # type: ignore[attr-defined]
    assert list(bounds) == sorted(set(bounds))


def test_every_event_with_a_schema_is_a_label_and_any_other_is_one() -> None:
    assert set(schemas.discover(schemas)) <= events.KNOWN
    assert [events.label(event) for event in ("push", "push2", "x" * 64)] == ["push", "other", "other"]


@pytest.mark.django_db(transaction=True)
def test_processes_add_to_one_table_and_none_is_lost() -> None:
    def count() -> None:
        counts = Counts()
        for _ in range(10):
            # Processes of other tests may count theirs late.
            counts.add(RECEIVED, "team_add", "accepted")
            counts.observe(HANDLER, 0.5, "of.this_test", "succeeded")
            writing.write(counts.take())
        connection.close()

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert table()["received", "team_add", "accepted", 0] == 40
    assert table()["handler", "of.this_test", "succeeded", SUM] == 40 * 500_000


async def test_what_cannot_be_written_is_written_the_next_time() -> None:
    counts = Counts()
    counts.add(RECEIVED, "push", "accepted")

    async def away(_write: object, _cells: object) -> None:
        raise DatabaseError("away")

    await writing.flush(counts, away)
    [cell] = counts.take()
    assert cell == ("received", "push", "accepted", 0, 1)


async def test_the_last_counts_are_written_when_the_process_stops() -> None:
    counts, written = Counts(), list[Cell]()

    async def run(_write: object, cells: Sequence[Cell]) -> None:
        written.extend(cells)

    keeping = asyncio.create_task(writing.keep(counts, run))
    await asyncio.sleep(0)
    counts.add(RECEIVED, "push", "accepted")
    keeping.cancel()
    await asyncio.wait({keeping})
    assert written == [("received", "push", "accepted", 0, 1)]


async def test_an_outage_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    counts = Counts()
    attempts = iter(range(6))

    async def away(_write: object, _cells: object) -> None:
        if next(attempts) == 4:
            raise asyncio.CancelledError
        raise DatabaseError("away")

    counts.add(RECEIVED, "push", "accepted")
    with pytest.raises(asyncio.CancelledError):
        await writing.keep(counts, away, interval=0.01)
    assert [record.getMessage() for record in caplog.records] == [
        "counts not written count=1 error=DatabaseError"
    ]
    assert next(attempts, None) is None
