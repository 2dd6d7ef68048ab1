"""`manage.py migrate` on several machines at once: each succeeds, and one creates the tables."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from database import exclusive
from tests import processes

MIGRATE = [sys.executable, "manage.py", "migrate", "--no-input"]
MACHINES = 2


@pytest.fixture
def empty_database(tmp_path: Path, database_url: str) -> Iterator[str]:
    """Return the URL of an empty database."""
    if connection.vendor == "sqlite":
        yield f"sqlite:///{tmp_path / 'not yet there' / 'empty.sqlite3'}"
        return
    name = connection.settings_dict["NAME"]
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute("CREATE DATABASE empty_one")
        yield database_url.replace(f"/{name}?", "/empty_one?")
        admin.execute("DROP DATABASE empty_one WITH (FORCE)")


def migrating(url: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        MIGRATE, cwd=processes.ROOT, env=processes.environment(DATABASE_URL=url),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.full  # the next test has its lock, and every run an empty database
@pytest.mark.store
def test_two_that_migrate_an_empty_database_at_once_both_end_well(empty_database: str) -> None:
    machines = [migrating(empty_database) for _ in range(MACHINES)]
    told = [machine.communicate(timeout=90) for machine in machines]
    assert [machine.returncode for machine in machines] == [0] * MACHINES, told
    assert "Traceback" not in "".join(stderr for _, stderr in told)
    # One of them applied all, and the others found nothing to do.
    assert sum("No migrations to apply" in stdout for stdout, _ in told) == MACHINES - 1
    assert sum("Applying receiver.0001_squashed_0014_suspects... OK" in stdout for stdout, _ in told) == 1


@pytest.mark.django_db(transaction=True)
def test_a_waiting_migration_says_so_and_continues_when_the_other_is_killed(database_url: str) -> None:
    holding = (
        "import django; django.setup()\n"
        "from database import exclusive; from django.db import connection\n"
        "with exclusive.lock(connection, lambda: None): print('held', flush=True); input()"
    )
    with ExitStack() as stack:
        holder = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-c", holding], cwd=processes.ROOT,
                env=processes.environment(DATABASE_URL=database_url, DJANGO_SETTINGS_MODULE="settings"),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
        )  # fmt: skip
        stack.callback(holder.kill)
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        waiting = stack.enter_context(migrating(database_url))
        stack.callback(waiting.kill)
        assert waiting.stderr is not None
        assert "another process migrates this database" in waiting.stderr.readline()
        assert waiting.poll() is None
        holder.kill()
        assert waiting.wait(processes.STOPS_WITHIN) == 0


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite builds no index concurrently")
@pytest.mark.django_db(transaction=True)
def test_the_lock_does_not_delay_an_index_that_is_built_concurrently(database_url: str) -> None:
    with (
        exclusive.lock(connection, lambda: None),
        psycopg.connect(database_url, autocommit=True) as other,
    ):
        other.execute("SET statement_timeout = '20s'")
        try:
            other.execute("CREATE INDEX CONCURRENTLY of_a_test ON receiver_delivery (guid)")
        finally:
            other.execute("DROP INDEX IF EXISTS of_a_test")


def test_a_database_that_is_away_is_one_line(tmp_path: Path) -> None:
    url = f"postgresql://nobody:hidden@127.0.0.1:{processes.free_port()}/none"
    machine = migrating(url)
    _, stderr = machine.communicate(timeout=60)
    assert machine.returncode == 1
    assert "Traceback" not in stderr
    assert stderr.splitlines()[-1].startswith("CommandError: the database does not answer")
    assert "hidden" not in stderr
