"""PostgreSQL hangs (SIGSTOP): console and commands say so, end when they are stopped, and heal."""

import asyncio
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from configuration.stopping import INTERRUPTED
from console.operating import STOPPING
from tests import processes
from tests.chaos import invariants, journal, ledger, stack, stored
from tests.chaos.counts import Counts
from tests.chaos.postgresql import PostgreSQL
from tests.chaos.redis_server import RedisServer
from tests.chaos.times import ISOLATION_GRACE

pytestmark = pytest.mark.only("postgresql")

CONSOLE = "tests.chaos.hasty_console:application"


def there(postgresql: PostgreSQL, within: float) -> dict[str, str]:
    return {
        "DATABASE_URL": postgresql.url,
        "CONSOLE_REMOTE_USER_HEADER": "X-User",
        "STATEMENT_WITHIN": str(within),
    }


async def page(http: aiohttp.ClientSession, url: str) -> tuple[int, str]:
    """Return status and text of a page for somebody whom a proxy has signed in."""
    async with http.get(url, headers={"X-User": "ada"}) as response:
        return response.status, await response.text()


@pytest.mark.full
async def test_a_console_says_that_postgresql_hangs_and_answers_again_when_it_goes_on(
    http: aiohttp.ClientSession, postgresql: PostgreSQL, tmp_path: Path
) -> None:
    with stack.console(tmp_path / "log", CONSOLE, **there(postgresql, within=0.5)) as console:
        assert (await page(http, f"{console.url}/deliveries"))[0] == 200
        postgresql.hang()
        status, text = await page(http, f"{console.url}/deliveries")
        assert status == 503
        assert "The database does not answer" in text
        postgresql.go_on()

        async def answered() -> bool:
            return (await page(http, f"{console.url}/deliveries"))[0] == 200

        async with asyncio.timeout(processes.PATIENCE):
            while not await answered():
                await asyncio.sleep(0.1)
    assert "Traceback" not in (tmp_path / "log").read_text()


@pytest.mark.parametrize("how", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.full)])
async def test_a_console_that_is_stopped_while_postgresql_hangs_ends_although_a_page_waits(
    how: signal.Signals, counts: Counts, http: aiohttp.ClientSession, postgresql: PostgreSQL, tmp_path: Path
) -> None:
    with stack.console(tmp_path / "log", CONSOLE, 1, **there(postgresql, within=0)) as console:
        assert (await page(http, f"{console.url}/deliveries"))[0] == 200
        postgresql.hang()
        waiting = asyncio.create_task(page(http, f"{console.url}/deliveries"))
        await asyncio.sleep(0.5)
        console.process.send_signal(how)
        await asyncio.to_thread(console.process.wait, 5 + counts.slack)
        postgresql.go_on()
        await asyncio.gather(waiting, return_exceptions=True)


@pytest.mark.full
async def test_a_suspect_is_not_blamed_for_a_postgresql_that_hangs(
    postgresql: PostgreSQL, redis_server: RedisServer, tmp_path: Path
) -> None:
    journal.create(postgresql.url)
    limit, url = 2.0, postgresql.url
    environment = {
        "DATABASE_URL": url,
        "REDIS_URL": redis_server.url,
        "HANDLERS": "tests.chaos.scripted_handler",
        "HANDLER_TIMEOUT": str(limit),
        "LET": str(tmp_path / "let"),
        "LEASE": "30",  # longer than the database hangs
    }
    stored.store(url, [stored.Push(0, "waits")])
    ledger.execute(url, "UPDATE receiver_delivery SET crashes = 1")
    with processes.worker(tmp_path / "log", stack.SHORT_LEASE_WORKER, **environment):
        await asyncio.to_thread(
            processes.wait_until, lambda: journal.entries(url, "began"), "the isolating process runs it"
        )
        postgresql.hang()
        (tmp_path / "let").touch()
        await asyncio.sleep(limit + 2 * ISOLATION_GRACE + 1)
        postgresql.go_on()
        await invariants.ended(url)
    assert "isolated process ended" not in (tmp_path / "log").read_text()


def test_a_command_that_is_interrupted_twice_ends_although_postgresql_hangs(
    postgresql: PostgreSQL, tmp_path: Path
) -> None:
    stored.store(postgresql.url, [stored.Push(number) for number in range(100)])
    dead = "UPDATE receiver_delivery SET status = 'dead', finished_at = received_at, next_attempt_at = NULL"
    ledger.execute(postgresql.url, dead)
    log = tmp_path / "log"
    command = f"{sys.executable} manage.py replay --status dead --rate 1"
    running = "SELECT 1 FROM ledger_operation WHERE state = 'running'"
    with processes.running(command, log, DATABASE_URL=postgresql.url) as replay:
        processes.wait_until(lambda: ledger.execute(postgresql.url, running), "the replay runs")
        postgresql.hang()
        replay.send_signal(signal.SIGINT)
        processes.wait_until(lambda: STOPPING in log.read_text(), "it tries to cancel the replay")
        replay.send_signal(signal.SIGINT)
        assert replay.wait(processes.STOPS_WITHIN) == INTERRUPTED
        postgresql.go_on()
    continued = "a worker continues operation 1, unless it is cancelled in the console"
    assert f"{continued}\nCommandError: stopped" in log.read_text()
