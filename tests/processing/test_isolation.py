"""Isolation: suspects of a worker's death run in another process, and only the culprit becomes dead."""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

import database
from ledger import replays
from processing import batch_runner, claiming, isolation
from processing.batch_runner import BatchRunner
from processing.claiming import LEASE
from receiver.models import Delivery, HandlerRun
from tests.processing import suspects
from tests.processing.deliveries import EVENTS, stored

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _same_database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pass the settings to the isolating process through the environment."""
    monkeypatch.setenv("DATABASE_URL", database_url)


def runner() -> BatchRunner:
    return BatchRunner(EVENTS, suspects.registry, "worker of the test")


async def suspected(*sources: str) -> None:
    """Store suspects, one for each source: their worker died once."""
    for source in sources:
        await sync_to_async(stored)(source=source, crashes=1)


async def open_rows() -> int:
    return await Delivery.objects.filter(status__in=["received", "retrying", "processing"]).acount()


async def isolate(made: BatchRunner, until: int = 0, within: float = 120) -> None:
    """Run suspects in isolation until so many deliveries are open."""
    assert (await made.claim()).claims == []
    made.isolate()
    async with asyncio.timeout(within):
        while await open_rows() > until:  # noqa: ASYNC110 - another process settles them
            await asyncio.sleep(0.02)


async def ended(made: BatchRunner) -> None:
    """Wait for the end of the isolating process."""
    assert made.isolating is not None
    await made.isolating


def isolating() -> int:
    """Return the id of the isolating process that this one started."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            command = (process / "cmdline").read_bytes()
            if int(parent) == os.getpid() and b"processing.isolated" in command:
                return int(process.name)
    raise AssertionError("there is none")


async def until_terminal() -> None:
    made = runner()
    await isolate(made)
    await made.stop(0)


@pytest.mark.full("sqlite")  # whose other tests kill and end the process, too
async def test_the_innocent_succeed_apart_from_the_worker_and_each_crash_of_the_culprit_is_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await suspected("good", "kills", "good", "exits")
    await Delivery.objects.filter(source="exits").aupdate(crashes=2)
    await until_terminal()
    rows = {row.source: row async for row in Delivery.objects.all()}
    assert (rows["kills"].status, rows["kills"].crashes, rows["kills"].attempts) == ("dead", 3, 1)
    assert rows["kills"].error == "ended its worker 3 times, at last with signal 9"
    assert rows["exits"].error == "ended its worker 3 times, at last with exit status 3"
    assert (rows["good"].status, rows["good"].attempts) == ("succeeded", 1)
    assert await Delivery.objects.filter(status="succeeded").acount() == 2
    assert await HandlerRun.objects.filter(handler="suspects.follow_script").acount() == 2
    assert str(os.getpid()) not in caplog.text


@pytest.mark.once
async def test_a_handler_that_blocks_its_process_is_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    # Three seconds: the limit of the program's own handler of pushes is 30.
    monkeypatch.setattr(isolation, "GRACE", -27.0)
    await suspected("blocks")
    await Delivery.objects.aupdate(crashes=2)
    await until_terminal()
    row = await Delivery.objects.aget()
    assert row.status == "dead"
    assert row.error.endswith("a handler that blocked it")


@pytest.mark.once
async def test_a_handler_that_hangs_in_isolation_is_timed_out() -> None:
    await suspected("hangs")
    made = runner()
    assert (await made.claim()).claims == []
    made.isolate()
    async with asyncio.timeout(120):
        # The process runs it again later, for the same end.
        while (row := await Delivery.objects.aget()).status != "retrying":  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.02)
    assert row.crashes == 1
    assert "suspects.follow_script: timed out after 2 seconds" in row.error
    await made.stop(0)


@pytest.mark.once
async def test_a_database_that_is_away_is_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:////nowhere/at/all.sqlite3")
    await suspected("good")
    made = runner()
    made.isolate()
    await ended(made)
    row = await Delivery.objects.aget()
    assert (row.status, row.crashes, row.attempts) == ("received", 1, 0)


@pytest.mark.once
async def test_a_program_that_cannot_start_is_no_handler_that_blocks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await isolation.run("worker of the test", LEASE, ["handlers.without_a_file"])
    assert "isolated process ended by=status 1 deliveries=" in caplog.text


@pytest.mark.once
async def test_a_process_that_ends_while_it_is_idle_is_nobodys_crash_and_its_last_claim_is_found() -> None:
    made = runner()
    await suspected("good")
    await isolate(made)
    os.kill(isolating(), signal.SIGKILL)
    await ended(made)
    await suspected("good")
    # The database may execute a claim after the process that sent it was killed.
    result = await database.run(claiming.claim, made.worker, LEASE, 1, 0, takeover=False, suspects=True)
    assert len(result.claims) == 1
    await isolate(made)
    assert [row async for row in Delivery.objects.values_list("status", "crashes")] == [("succeeded", 1)] * 2
    await made.stop(0)


@pytest.mark.once
async def test_a_worker_that_stops_ends_the_process_and_gives_the_suspect_back_unharmed() -> None:
    await suspected("blocks")
    made = runner()
    made.isolate()
    await asyncio.sleep(1)  # the process may or may not be up: both must do
    await made.stop(0)
    row = await Delivery.objects.aget()
    assert (row.status, row.crashes, row.attempts) == ("received", 1, 0)


async def test_a_suspect_whose_finder_died_is_found_by_another_worker() -> None:
    await suspected("good")
    wait = sync_to_async(Delivery.objects.suspects_wait)
    assert not await wait(batch_runner.SUSPECTS_WAIT), "its finder may be about to run it"
    await Delivery.objects.aupdate(next_attempt_at=timezone.now() - batch_runner.SUSPECTS_WAIT)
    assert await wait(batch_runner.SUSPECTS_WAIT)


async def test_a_replay_frees_from_suspicion() -> None:
    await sync_to_async(stored)(status="dead", crashes=3)
    await database.run(replays.reopen, [(await Delivery.objects.aget()).pk], "somebody")
    row = await Delivery.objects.aget()
    assert (row.status, row.crashes) == ("received", 0)
