"""PostgreSQL stops during traffic, and starts again."""

import asyncio
import signal
import time
from pathlib import Path

import aiohttp
import pytest

from tests import processes
from tests.chaos import invariants, journal, ledger, stack, stored
from tests.chaos.counts import Counts
from tests.chaos.postgresql import PostgreSQL
from tests.chaos.redis_server import RedisServer
from tests.chaos.sender import Sender

# Seconds from the moment PostgreSQL accepts connections until deliveries are accepted, on a fast machine.
BACK_WITHIN = 2.0
# Seconds for an answer after the first failure, before any timeout of a connection or a statement.
QUICK = 2.5
# Seconds for the claims of a worker that stops while PostgreSQL hangs.
END_WITHIN = 3
# Deliveries whose handlers run when PostgreSQL stops.
AT_WORK = 50


@pytest.mark.only("postgresql")
async def test_postgresql_down_in_mid_traffic_is_503_and_soon_over_when_it_returns(
    counts: Counts,
    http: aiohttp.ClientSession,
    postgresql: PostgreSQL,
    redis_server: RedisServer,
    tmp_path: Path,
) -> None:
    journal.create(postgresql.url)
    there = {
        "DATABASE_URL": postgresql.url,
        "REDIS_URL": redis_server.url,
        "HANDLERS": "tests.chaos.scripted_handler",
        # The outage counts into a handler's time, and so does a slow start of PostgreSQL.
        "HANDLER_TIMEOUT": "100",
    }
    with (
        stack.receiver(tmp_path / "receiver.log", **there) as receiver,
        processes.worker(tmp_path / "worker.log", stack.SHORT_LEASE_WORKER, **there) as worker,
    ):
        sender = Sender(http, receiver.url)
        async with sender.traffic(per_second=5):
            await asyncio.sleep(1)
            stored.store(
                postgresql.url,
                [stored.Push(number, "orm" if number % 2 else "works") for number in range(AT_WORK)],
            )
            await stored.wake(redis_server.url)
            await asyncio.to_thread(
                processes.wait_until,
                lambda: any(entry.number >= 0 for entry in journal.entries(postgresql.url, "began")),
                "handlers at work",
            )
            await asyncio.to_thread(postgresql.stop)
            stopped = time.monotonic()
            await sender.refused(stopped)
            await asyncio.sleep(counts.outage)
            await sender.refused(time.monotonic(), within=QUICK)
            returning = time.monotonic()
            await asyncio.to_thread(postgresql.start)
            returned = time.monotonic()
            await sender.recovered(returned, BACK_WITHIN + counts.slack)
        assert set(sender.statuses()) == {202, 503}
        invariants.timely(sender)
        assert {answer.status for answer in sender.between(stopped, returning)} == {503}
        invariants.kept(postgresql.url, sender)
        assert worker.poll() is None
        # The worker claims what it could not settle again when the lease ends.
        promised = await invariants.ended(postgresql.url)
        assert promised == {"succeeded": len(ledger.rows(postgresql.url))}
        assert journal.effects(postgresql.url) == promised.total()
        # The outage costs no handler an attempt, and makes no delivery suspect.
        rows = ledger.execute(postgresql.url, "SELECT DISTINCT attempts, crashes FROM receiver_delivery")
        assert rows == [(1, 0)]
        assert worker.poll() is None


@pytest.mark.only("postgresql")
async def test_a_worker_that_is_stopped_while_postgresql_hangs_stops_in_time(
    counts: Counts, postgresql: PostgreSQL, redis_server: RedisServer, tmp_path: Path
) -> None:
    journal.create(postgresql.url)
    there = {
        "DATABASE_URL": postgresql.url,
        "REDIS_URL": redis_server.url,
        "HANDLERS": "tests.chaos.scripted_handler",
        "LET": str(tmp_path / "never"),
        "WORKER_GRACE": "1",
        "END_WITHIN": str(END_WITHIN),
    }
    with processes.worker(tmp_path / "worker.log", stack.SHORT_LEASE_WORKER, **there) as worker:
        [waiting] = stored.store(postgresql.url, [stored.Push(0, "waits")])
        await asyncio.to_thread(
            processes.wait_until, lambda: journal.entries(postgresql.url, "began"), "the handler has begun"
        )
        postgresql.hang()
        try:
            worker.terminate()
            # The grace period; the time to release leases, to close and to cut connections.
            assert await asyncio.to_thread(worker.wait, 1 + 3 * END_WITHIN + counts.slack) == 0
        finally:
            postgresql.go_on()
    with processes.worker(
        tmp_path / "worker.log", stack.SHORT_LEASE_WORKER, **there | {"LET": str(tmp_path)}
    ):
        assert await invariants.ended(postgresql.url) == {"succeeded": 1}
    rows = ledger.execute(postgresql.url, f"SELECT attempts FROM receiver_delivery WHERE id = {waiting}")
    assert rows == [(1,)]


@pytest.mark.only("postgresql")
def test_a_transaction_that_is_cut_when_the_worker_ends_asks_for_no_other_connection(
    postgresql: PostgreSQL, tmp_path: Path
) -> None:
    told = tmp_path / "told.log"
    command = "python -m tests.chaos.cut_transaction"
    with processes.running(command, told, DATABASE_URL=postgresql.url) as process:
        processes.wait_until(lambda: "connected" in told.read_text(), "three connections")
        postgresql.hang()
        try:
            process.send_signal(signal.SIGUSR1)
            assert process.wait(processes.STOPS_WITHIN) == 0, told.read_text()
        finally:
            postgresql.go_on()
    assert "statements cut" in told.read_text()
