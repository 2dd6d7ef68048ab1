"""Outages of real servers: the answers, and the rows afterwards."""

import asyncio
import gc
import time
from pathlib import Path

import aiohttp
import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from redis import Redis

from receiver import parts
from receiver.models import Delivery
from tests import github, processes, servers

pytestmark = pytest.mark.django_db(transaction=True)

# Seconds: GitHub gives up after ten, and the machine may be slow. `make chaos` holds nine.
ANSWERED_WITHIN = 20


@pytest.mark.once
async def test_redis_down_changes_nothing_for_the_sender_and_readyz_tells(
    http: aiohttp.ClientSession, database_url: str, tmp_path: Path
) -> None:
    server = servers.Valkey(port=0, data_dir=tmp_path / "valkey", unix_socket_path=tmp_path / "r.sock")
    log = tmp_path / "log"
    with processes.receiver(log, DATABASE_URL=database_url, REDIS_URL=f"unix://{tmp_path / 'r.sock'}") as url:
        for up in (True, False, True):
            await sync_to_async(server.start if up else server.stop)()
            request = github.sample("push__branch")
            async with http.post(
                f"{url}/webhooks/github", data=request.body, headers=request.headers
            ) as answer:
                assert answer.status == 202
            async with http.get(f"{url}/readyz") as answer:
                assert answer.status == (200 if up else 503)
                assert (await answer.json())["redis"] == ("ok" if up else "unavailable")
    assert await Delivery.objects.acount() == 3
    said = [line.split(maxsplit=3)[3] for line in log.read_text().splitlines() if "ready part" in line]
    assert [each.partition(" error=")[0] for each in said] == ["not ready part=redis", "ready part=redis"]


@pytest.mark.only("sqlite")  # of PostgreSQL, the next test shows it
async def test_a_database_that_cannot_be_reached_is_503_before_github_gives_up(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    request = github.sample("push__branch")
    with processes.receiver(tmp_path / "log", DATABASE_URL="sqlite:////nowhere/at/all.sqlite3") as url:
        async with (
            asyncio.timeout(ANSWERED_WITHIN),
            http.post(f"{url}/webhooks/github", data=request.body, headers=request.headers) as answer,
        ):
            assert answer.status == 503
            assert int(answer.headers["Retry-After"]) > 0
            assert list(await answer.json()) == ["error"]
        async with http.get(f"{url}/healthz") as answer:
            assert answer.status == 200
        async with http.get(f"{url}/readyz") as answer:
            assert (answer.status, (await answer.json())["database"]) == (503, "unavailable")


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no server that refuses")
@pytest.mark.parametrize("reason", ["refused", "does not exist"])
async def test_an_outage_of_the_database_is_answered_in_time_and_logged_once_with_its_reason(
    reason: str, http: aiohttp.ClientSession, database_url: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    away = f"postgresql://postgres@127.0.0.1:{processes.free_port()}/none"
    if reason == "does not exist":  # of the tables, as before the first migration
        away = f"{database_url}&options=-csearch_path%3Dnowhere"
    request = github.sample("push__branch")
    with processes.receiver(log, DATABASE_URL=away) as url:
        for _ in range(2):
            async with (
                asyncio.timeout(ANSWERED_WITHIN),
                http.post(f"{url}/webhooks/github", data=request.body, headers=request.headers) as answer,
            ):
                assert answer.status == 503
                assert int(answer.headers["Retry-After"]) > 0
                assert reason not in await answer.text()
                assert list(await answer.json()) == ["error"]
            # Each attempt to store is a second after the last one.
            await asyncio.sleep(1.1)
            async with http.get(f"{url}/readyz") as answer:
                assert (answer.status, (await answer.json())["database"]) == (503, "unavailable")
            async with http.get(f"{url}/healthz") as answer:
                assert answer.status == 200
    warnings = [line for line in log.read_text().splitlines() if "INFO" not in line]
    events = [" ".join(line.split()[3:5]) for line in warnings]
    # psycopg's pool says again after ten seconds that it cannot connect.
    ours = [event for event in events if event != "error connecting"]
    assert len(ours) == len(set(ours))
    assert set(ours) <= {"not ready", "rejections not", "start not", "store down"}
    [down] = [line for line in warnings if "store down" in line]
    assert reason in down


async def test_requests_to_readyz_at_the_same_moment_are_all_answered_200() -> None:
    made = parts.Parts()
    first = asyncio.create_task(made.database_ready())
    while made._probe is None or not made._probe.done():  # noqa: ASYNC110 - `first` must not have gone on
        await asyncio.sleep(0)
    assert await made.database_ready()
    assert await first
    await made.close()


@pytest.mark.only("sqlite")
async def test_a_receiver_that_may_not_write_the_file_is_not_ready(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(connection.settings_dict, "NAME", f"file:{connection.settings_dict['NAME']}?mode=ro")
    made = parts.Parts()
    assert not await made.database_ready()
    await made.close()
    assert "attempt to write a readonly database" in caplog.text


async def test_a_probe_that_fails_after_readyz_was_answered_logs_no_traceback(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(parts, "READY_WITHIN", 0.0)
    table, away = Delivery._meta.db_table, "deliveries_away"

    def rename(old: str, new: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")

    made = parts.Parts()
    await sync_to_async(rename)(table, away)
    try:
        assert not await made.database_ready()
    finally:
        await made.close()  # it waits for the probe
        await sync_to_async(rename)(away, table)
    del made
    gc.collect()  # asyncio logs an exception that nobody read when it drops the task
    assert caplog.messages == ["not ready part=database error=no answer in time"]


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no connection to lose")
async def test_connections_that_were_cut_while_idle_cost_no_delivery(
    http: aiohttp.ClientSession, database_url: str, tmp_path: Path
) -> None:
    def connections() -> set[int]:
        with psycopg.connect(database_url, autocommit=True) as server:
            return {
                pid
                for (pid,) in server.execute(
                    "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
                )
            }

    def cut(pids: set[int]) -> None:
        with psycopg.connect(database_url, autocommit=True) as server:
            server.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) pid", [list(pids)])

    async def send() -> int:
        request = github.sample("push__branch")
        async with http.post(f"{url}/webhooks/github", data=request.body, headers=request.headers) as answer:
            return answer.status

    others = connections()
    with processes.receiver(tmp_path / "log", DATABASE_URL=database_url) as url:
        for _ in range(3):
            # Enough deliveries at once to use both of the receiver's connections.
            assert set(await asyncio.gather(*(send() for _ in range(60)))) == {202}
            cut(connections() - others)
    assert await Delivery.objects.acount() == 180


@pytest.mark.full("postgresql")  # where deliveries are in flight at the stop
async def test_a_receiver_that_is_stopped_has_committed_what_it_answered(
    http: aiohttp.ClientSession, database_url: str, tmp_path: Path
) -> None:
    with processes.receiver(tmp_path / "log", DATABASE_URL=database_url) as url:
        for _ in range(20):
            request = github.sample("push__branch")
            async with http.post(
                f"{url}/webhooks/github", data=request.body, headers=request.headers
            ) as answer:
                assert answer.status == 202
    assert await Delivery.objects.acount() == 20
    log = (tmp_path / "log").read_text()
    assert "Application shutdown complete" in log
    assert "Traceback" not in log


@pytest.mark.full("sqlite")  # where a receiver is stopped after its answers
async def test_deliveries_in_flight_at_a_stop_of_the_receiver_are_committed_and_answered(
    http: aiohttp.ClientSession, database_url: str, tmp_path: Path
) -> None:
    answered: set[str] = set()
    broken: list[str] = []

    async def send(url: str) -> None:
        """Send one delivery after the other until the receiver stops listening."""
        while True:
            request = github.sample("push__branch")
            try:
                async with http.post(
                    f"{url}/webhooks/github", data=request.body, headers=request.headers
                ) as answer:
                    assert answer.status == 202
                    answered.add(request.guid)
            except aiohttp.ClientConnectorError:
                return
            except aiohttp.ClientError as error:
                broken.append(f"{request.guid}: {error!r}")
                return

    with processes.receiver(tmp_path / "log", DATABASE_URL=database_url) as url:
        senders = [asyncio.create_task(send(url)) for _ in range(20)]
        while len(answered) < 200:  # noqa: ASYNC110 - the senders fill it
            await asyncio.sleep(0.01)
    await asyncio.gather(*senders)
    kept = {str(guid) async for guid in Delivery.objects.values_list("guid", flat=True)}
    assert answered <= kept
    # A keep-alive connection may be closed under a request that was never read; that one is not kept.
    assert not {line.partition(":")[0] for line in broken} & kept
    assert "Traceback" not in (tmp_path / "log").read_text()


@pytest.mark.once
async def test_a_slow_redis_changes_nothing_for_the_sender(
    http: aiohttp.ClientSession, receiver_url: str, redis: "Redis"
) -> None:
    redis.client_pause(60_000, all=False)  # writes, such as wake-ups
    seconds = []
    try:
        for _ in range(20):
            start = time.monotonic()
            request = github.sample("push__branch")
            async with http.post(
                f"{receiver_url}/webhooks/github", data=request.body, headers=request.headers
            ) as answer:
                assert answer.status == 202
            seconds.append(time.monotonic() - start)
    finally:
        redis.client_unpause()
    # Each answer that waited for Redis would take its timeout, two seconds; a busy machine delays some, too.
    assert min(seconds) < 1.5
    assert await Delivery.objects.acount() == 20
