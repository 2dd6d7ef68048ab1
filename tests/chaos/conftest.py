"""Fixtures of the fault and load tests: counts, databases, Redis, an HTTP client."""

import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import psutil
import pytest

from tests.chaos import ledger
from tests.chaos.counts import FULL, SMALL, Counts
from tests.chaos.large import filled
from tests.chaos.postgresql import PostgreSQL
from tests.chaos.redis_server import RedisServer

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect tests marked `once` on PostgreSQL, where they run with --chaos only."""
    again = config.getoption("--database") != "sqlite" and not config.getoption("--chaos")
    left_out = []
    for item in items:
        if HERE not in item.path.parents:
            continue
        item.add_marker(pytest.mark.store)
        if again and item.get_closest_marker("once"):
            left_out.append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def counts(pytestconfig: pytest.Config) -> Counts:
    return FULL if pytestconfig.getoption("--chaos") else SMALL


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of a migrated database without rows; tests copy it."""
    url = f"sqlite:///{tmp_path_factory.mktemp('template') / 'template.sqlite3'}"
    if not os.environ["DATABASE_URL"].startswith("sqlite:"):
        ledger.execute(os.environ["DATABASE_URL"], "CREATE DATABASE chaos_template")
        url = ledger.named(os.environ["DATABASE_URL"], "chaos_template")
    ledger.migrate(url)
    return url


@pytest.fixture(scope="session")
def large(migrated: str, counts: Counts) -> Iterator[str]:
    """Yield the URL of a large ledger; tests roll back what they change."""
    url = filled(migrated, counts)
    yield url
    ledger.drop(url)


@pytest.fixture
def database(migrated: str, tmp_path: Path) -> Iterator[str]:
    """Yield the URL of an empty database for one test."""
    url = ledger.copy(migrated, tmp_path)
    yield url
    ledger.drop(url)


@pytest.fixture(scope="session")
def _second_postgresql(migrated: str) -> Iterator[PostgreSQL]:
    server = PostgreSQL(migrated)
    yield server
    server.end()


@pytest.fixture
def postgresql(_second_postgresql: PostgreSQL) -> Iterator[PostgreSQL]:
    """Yield a PostgreSQL with an empty database for one test, which the test may stop."""
    _second_postgresql.new_database()
    yield _second_postgresql
    # The next test finds it running, also if this one failed half-way.
    with contextlib.suppress(FileNotFoundError, psutil.NoSuchProcess):
        _second_postgresql.go_on()
    _second_postgresql.start()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """Yield a running Redis for one test."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """Yield a client without a limit of connections and with a timeout of 30 seconds."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(30)
    ) as session:
        yield session
