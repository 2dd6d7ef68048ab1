"""Faults of a running PostgreSQL: locks, changed tables, wrong defaults, SIGSTOP."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import psycopg
import pytest

from tests import github, processes
from tests.chaos import invariants, ledger, stack, stored
from tests.chaos.counts import Counts
from tests.chaos.postgresql import PostgreSQL
from tests.chaos.redis_server import RedisServer
from tests.chaos.sender import Answer, Sender

pytestmark = pytest.mark.only("postgresql")

# Seconds from the end of a fault until deliveries are accepted, on a slow machine.
BACK_WITHIN = 60.0
# Seconds from SIGTERM to the receiver's end: uvicorn's grace period and the closing of connections.
GRACE = 25.0
# Milliseconds that PostgreSQL waits for the end of a connection.
CUT_WITHIN = 30_000


@pytest.fixture(scope="module")
def database(migrated: str) -> Iterator[str]:
    """Yield the URL of a database for all tests of one receiver."""
    url = ledger.copy(migrated, None)
    yield url
    ledger.drop(url)


@pytest.fixture(scope="module")
def receiver(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[stack.Receiver]:
    with stack.receiver(tmp_path_factory.mktemp("receiver") / "log", DATABASE_URL=database) as running:
        yield running


async def ready(http: aiohttp.ClientSession, url: str) -> int:
    async with http.get(f"{url}/readyz") as answer:
        return answer.status


async def until(true: Callable[[], Awaitable[bool]], what: str, within: float = BACK_WITHIN) -> None:
    deadline = time.monotonic() + within
    while not await true():
        assert time.monotonic() < deadline, f"not within {within:g} s: {what}"
        await asyncio.sleep(0.1)


def on_database(url: str, change: str) -> str:
    """Return a statement that alters this database."""
    return f"ALTER DATABASE {urlsplit(url).path[1:]} {change}"


def cut_others(url: str) -> None:
    """End every other connection to this database, and wait for their ends."""
    ended = ledger.execute(
        url,
        f"SELECT pg_terminate_backend(pid, {CUT_WITHIN}) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
    )
    assert set(ended) <= {(True,)}


async def test_a_locked_row_costs_its_own_redelivery_and_nobody_elses_delivery(
    http: aiohttp.ClientSession, database: str, receiver: stack.Receiver
) -> None:
    held = github.sample("push__branch")
    sender, redelivering = Sender(http, receiver.url), Sender(http, receiver.url)
    assert (await sender.send(held)).status == 202
    with psycopg.connect(database) as other:
        other.execute("SELECT * FROM receiver_delivery WHERE guid = %s FOR UPDATE", [held.guid])
        begin = time.monotonic()
        async with sender.traffic(per_second=30), redelivering.traffic(per_second=5, delivery=lambda: held):
            await redelivering.refused(begin)
            # Less than the statement timeout of four seconds, for which all others would wait.
            await sender.answered(202, 20, time.monotonic(), within=3.5)
    assert set(redelivering.statuses()) == {503}
    assert set(sender.statuses()) == {202}
    invariants.timely(sender, redelivering)
    assert (await redelivering.send(held)).status == 200
    invariants.kept(database, sender)


async def test_a_key_that_another_transaction_inserts_costs_nobody_else_a_delivery(
    http: aiohttp.ClientSession, database: str, receiver: stack.Receiver
) -> None:
    held = github.sample("push__branch")
    sender, same = Sender(http, receiver.url), Sender(http, receiver.url)
    assert (await sender.send(github.sample("push__branch"))).status == 202
    columns = "hook_id, source, secret_position, event, action, repository, sender, headers, content_type, body, received_at, status, attempts, claims, crashes, worker, error, redeliveries"  # noqa: E501
    with psycopg.connect(database) as other:
        other.execute(
            f"INSERT INTO receiver_delivery (guid, {columns})"
            f" SELECT %s, {columns} FROM receiver_delivery LIMIT 1",
            [held.guid],
        )
        async with sender.traffic(per_second=10):
            assert (await same.send(held)).status == 503
            await asyncio.sleep(0.5)
        other.rollback()
    assert set(sender.statuses()) == {202}
    assert (await same.send(held)).status == 202
    invariants.kept(database, sender, same)


@pytest.mark.parametrize("change", [pytest.param("varchar(20)", marks=pytest.mark.full), "text"])
async def test_a_table_that_changes_under_the_receiver_costs_no_delivery(
    change: str, http: aiohttp.ClientSession, database: str, receiver: stack.Receiver
) -> None:
    sender = Sender(http, receiver.url)
    held = github.sample("push__branch")
    # More than the five runs after which psycopg may prepare a statement.
    requests = [held, *(github.sample("push__branch") for _ in range(20)), *([held] * 20)]
    await sender.crowd(requests, connections=1)
    ledger.execute(database, f"ALTER TABLE receiver_delivery ALTER source TYPE {change}")
    await sender.crowd([github.sample("push__branch") for _ in range(20)] + [held] * 3, connections=4)
    assert set(sender.statuses()) == {202, 200}
    invariants.kept(database, sender)


async def test_a_locked_table_is_503_and_not_ready_and_soon_over(
    http: aiohttp.ClientSession, database: str, receiver: stack.Receiver
) -> None:
    sender = Sender(http, receiver.url)
    assert await ready(http, receiver.url) == 200
    with psycopg.connect(database) as other:
        other.execute("LOCK TABLE receiver_delivery IN SHARE MODE")
        async with sender.traffic(per_second=10):
            await sender.refused(time.monotonic())
            assert await ready(http, receiver.url) == 503
    assert set(sender.statuses()) == {503}
    invariants.timely(sender)

    async def taken_again() -> bool:
        return (await sender.send(github.sample("push__branch"))).status == 202

    await until(taken_again, "deliveries are taken again")
    assert await ready(http, receiver.url) == 200


async def test_a_database_that_is_read_only_is_503_and_not_ready_and_soon_over(
    http: aiohttp.ClientSession, database: str, receiver: stack.Receiver
) -> None:
    sender = Sender(http, receiver.url)
    assert (await sender.send(github.sample("push__branch"))).status == 202
    ledger.execute(database, on_database(database, "SET default_transaction_read_only = on"), on="postgres")
    cut_others(database)
    assert (await sender.send(github.sample("push__branch"))).status == 503
    assert await ready(http, receiver.url) == 503
    ledger.execute(database, on_database(database, "RESET default_transaction_read_only"), on="postgres")

    async def taken_again() -> bool:
        return (await sender.send(github.sample("push__branch"))).status == 202

    await until(taken_again, "deliveries are taken again")
    assert await ready(http, receiver.url) == 200


async def test_a_delivery_survives_a_crash_of_postgresql_whatever_the_database_has_as_default(
    http: aiohttp.ClientSession, postgresql: PostgreSQL, redis_server: RedisServer, tmp_path: Path
) -> None:
    url = postgresql.url
    ledger.execute(url, on_database(url, "SET synchronous_commit = off"), on="postgres")
    # Otherwise a commit that nobody waits for reaches the disk within a second, all the same.
    with postgresql.setting("wal_writer_delay", "10s"):
        with stack.receiver(tmp_path / "log", DATABASE_URL=url, REDIS_URL=redis_server.url) as receiver:
            sender = Sender(http, receiver.url)
            assert (await sender.send(github.sample("push__branch"))).status == 202
            await asyncio.to_thread(postgresql.stop)
        await asyncio.to_thread(postgresql.start)
        invariants.kept(url, sender)


async def test_a_settlement_that_a_crash_of_postgresql_undoes_is_made_again_with_its_records(
    postgresql: PostgreSQL, redis_server: RedisServer, tmp_path: Path
) -> None:
    there = {"DATABASE_URL": postgresql.url, "REDIS_URL": redis_server.url}
    # Otherwise a commit that nobody waits for reaches the disk within a second.
    with (
        postgresql.setting("wal_writer_delay", "10s"),
        processes.worker(tmp_path / "worker.log", **there) as worker,
    ):
        for count in range(20, 120, 20):
            stored.store(postgresql.url, [stored.Push(number) for number in range(count - 20, count)])
            assert await invariants.ended(postgresql.url) == {"succeeded": count}
            worker.send_signal(signal.SIGSTOP)
            await asyncio.to_thread(postgresql.stop)
            await asyncio.to_thread(postgresql.start)
            left = ledger.statuses(postgresql.url)["succeeded"]
            worker.send_signal(signal.SIGCONT)
            assert await invariants.ended(postgresql.url) == {"succeeded": count}
            if left < count:
                break
        # The counts that a worker writes every other second take along what was before them, not each time.
        assert left < count
    invariants.each_succeeded_once(postgresql.url, "push.record")


async def test_a_postgresql_that_stands_still_is_503_in_time_and_over_when_it_goes_on(
    counts: Counts,
    http: aiohttp.ClientSession,
    postgresql: PostgreSQL,
    redis_server: RedisServer,
    tmp_path: Path,
) -> None:
    there = {"DATABASE_URL": postgresql.url, "REDIS_URL": redis_server.url}
    with (
        stack.receiver(tmp_path / "log", **there) as receiver,
        processes.worker(tmp_path / "worker.log", **there) as worker,
    ):
        sender = Sender(http, receiver.url)
        async with sender.traffic(per_second=5):
            await asyncio.sleep(1)
            postgresql.hang()
            hung = time.monotonic()
            await sender.refused(hung)
            await asyncio.sleep(counts.outage)
            assert await ready(http, receiver.url) == 503
            postgresql.go_on()
            went_on = time.monotonic()
            await sender.recovered(went_on, BACK_WITHIN)
        invariants.timely(sender)
        assert {answer.status for answer in sender.between(hung, went_on)} == {503}
        assert await ready(http, receiver.url) == 200
        # The worker, too, goes on by itself.
        assert set(await invariants.ended(postgresql.url)) == {"succeeded"}
        assert worker.poll() is None
    invariants.kept(postgresql.url, sender)


async def test_a_receiver_that_is_stopped_while_postgresql_stands_still_ends_in_time(
    counts: Counts,
    http: aiohttp.ClientSession,
    postgresql: PostgreSQL,
    redis_server: RedisServer,
    tmp_path: Path,
) -> None:
    with stack.receiver(
        tmp_path / "log", DATABASE_URL=postgresql.url, REDIS_URL=redis_server.url
    ) as receiver:
        sender = Sender(http, receiver.url)
        assert (await sender.send(github.sample("push__branch"))).status == 202
        postgresql.hang()
        # The receiver has a rejection to write and a delivery to commit.
        wrong = github.sample("push__branch", secret="a secret that nobody knows")
        assert (await sender.send(wrong)).status == 403
        sending: asyncio.Task[Answer] = asyncio.create_task(sender.send(github.sample("push__branch")))
        await asyncio.sleep(0.5)
        receiver.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(receiver.process.wait, GRACE + counts.slack)
        assert (await sending).status in {0, 503}
        postgresql.go_on()
    invariants.kept(postgresql.url, sender)
