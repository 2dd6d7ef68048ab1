"""Fixtures of the whole suite: Redis, the URL of the database, a receiver, HTTP clients."""

import sys
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import wait
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from django.db import connection
from django.test import TransactionTestCase
from hypothesis import HealthCheck, settings
from redis import Redis

import database
from database import threads
from receiver.parts import Parts
from tests import emptying, processes, servers

if TYPE_CHECKING:
    from tests.fake_github import Github

# Before any test is imported: no example fails because the machine has much else to do.
# Those that set no count of their own try Hypothesis's default with --chaos, and half of it in the suite.
settings.register_profile(
    "suite",
    max_examples=servers.examples(50, 100),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("suite")
# Seconds for one test with the full counts, which may be a property test too; pyproject.toml has the limit of
# the suite.
FULL_TIMEOUT = 1200


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what touches the database: `make test` runs it on PostgreSQL too.

    Tests marked `once` and tests that drive a browser run on SQLite only; the pages have other tests on both.
    Tests marked `only` run where the mark says. Tests marked `full` do not run without --chaos, or not on the
    databases that the mark names. With it, every test may take `FULL_TIMEOUT`.
    """
    database = config.getoption("--database")
    left_out = [
        item
        for item in items
        if _is_elsewhere(item, database) or (not servers.full_counts and _is_full(item, database))
    ]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    for item in items:
        if servers.full_counts:
            item.add_marker(pytest.mark.timeout(FULL_TIMEOUT))
        if item.get_closest_marker("once") or "browser" in getattr(item, "fixturenames", ()):
            continue
        if "transactional_db" in getattr(item, "fixturenames", ()) or item.get_closest_marker("django_db"):
            item.add_marker(pytest.mark.store)


_TIME_LIMIT = pytest.StashKey[Any]()


def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> None:
    """Remember the limit of this test."""
    item.stash[_TIME_LIMIT] = settings


@pytest.hookimpl(wrapper=True)
def pytest_exception_interact(node: pytest.Item | pytest.Collector) -> Iterator[None]:
    """Limit the time of the teardown, too. At a failure pytest-timeout stops its timer, for a debugger."""
    yield
    if _TIME_LIMIT in node.stash and not node.config.getoption("usepdb"):
        node.config.hook.pytest_timeout_set_timer(item=node, settings=node.stash[_TIME_LIMIT])


def _is_elsewhere(item: pytest.Item, database: str) -> bool:
    mark = item.get_closest_marker("only")
    return mark is not None and not {database, sys.platform}.issuperset(mark.args)


def _is_full(item: pytest.Item, database: str) -> bool:
    mark = item.get_closest_marker("full")
    return mark is not None and database in (mark.args or (database,))


@pytest.fixture(scope="session", autouse=True)
def _database_threads() -> Iterator[None]:
    """Close the connections of the ORM threads at the end of the run."""
    yield
    database.close()


@pytest.fixture(scope="session", autouse=True)
def _quick_emptying() -> Iterator[None]:
    """Empty the tables after each test with `emptying.empty`, once the calls in database threads have ended.

    A call that its test did not await could write into the next test. And pytest-django refuses a thread its
    connection after a test, even at the end of an atomic block, which left autocommit off.
    """

    def end(*_: object) -> None:
        if (executor := threads._executor) is not None:
            met = Barrier(threads._size())
            wait([executor.submit(met.wait) for _ in range(met.parties)])
        emptying.empty()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", end)
        yield


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """Return True: the database goes with its server, so Django need not drop it."""
    return True


@pytest.fixture
def redis() -> Iterator["Redis"]:
    """Yield a client of the run's Redis, which is flushed before and after the test."""
    with Redis(unix_socket_path=str(servers.folder / "redis.sock")) as client:
        client.flushall()
        yield client
        client.flushall()


@pytest.fixture(scope="session")
def database_url(django_db_setup: None) -> str:
    """Return the URL of Django's test database, for other processes."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return f"postgresql://postgres@/{name}?host={connection.settings_dict['OPTIONS']['host']}"


@pytest.fixture(scope="session")
def receiver_url(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL of a real receiver on the run's database; it runs until the end of the run.

    Its wake-ups go to a database of Redis of their own. A delivery is answered before its wake-up is sent,
    which could come to the next test.
    """
    log = tmp_path_factory.mktemp("receiver") / "receiver.log"
    redis = f"unix://{servers.folder / 'redis.sock'}?db=1"
    with processes.receiver(log, DATABASE_URL=database_url, REDIS_URL=redis) as url:
        yield url


@pytest.fixture
def fake() -> "Iterator[Github]":
    """Yield a GitHub on loopback."""
    from tests import fake_github  # noqa: PLC0415 - few tests need what it imports

    with fake_github.running() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(60)) as session:
        yield session


@pytest.fixture
async def parts(transactional_db: None, redis: "Redis") -> AsyncIterator[Parts]:
    """Yield the receiver's parts in this process; close them after the test."""
    made = Parts()
    yield made
    await made.close()


@pytest.fixture
def worker_log(tmp_path: Path) -> Path:
    return tmp_path / "worker.log"
