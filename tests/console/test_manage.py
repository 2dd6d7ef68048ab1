"""The command line with a database that is away or empty: one line, and no traceback."""

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from django.core.management.base import OutputWrapper
from django.db import Error, connection

from console import rendering
from database import errors
from tests import processes


def manage(url: str, *arguments: str, **changes: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=processes.ROOT,
        env=processes.environment(DATABASE_URL=url, **changes),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "command",
    [
        "queue",
        *(
            pytest.param(command, marks=pytest.mark.full)
            for command in ("replay --status dead", "prune", "forward --to http://127.0.0.1:9/ --after 0")
        ),
    ],
)
def test_an_empty_database_is_one_line_that_says_what_to_do(command: str, tmp_path: Path) -> None:
    ran = manage(f"sqlite:///{tmp_path}/empty.sqlite3", *command.split())
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    assert ran.stderr.splitlines()[-1].startswith("CommandError: the database")
    assert "manage.py migrate" in ran.stderr
    assert "a worker continues" not in ran.stderr


def closed_pipe() -> int:
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def test_a_table_whose_reader_closed_the_pipe_is_an_error_as_that_of_other_commands() -> None:
    with pytest.raises(BrokenPipeError), open(closed_pipe(), "w", buffering=1) as output:
        rendering.console(OutputWrapper(output)).print("a line")


@pytest.mark.parametrize(
    ("output", "ended"),
    [
        (closed_pipe, (141, "")),
        (lambda: os.open("/dev/full", os.O_WRONLY), (1, "CommandError: No space left on device\n")),
    ],
    ids=["a closed pipe", "a full disk"],
)
def test_output_that_cannot_be_written_is_no_traceback(
    output: Callable[[], int], ended: tuple[int, str], tmp_path: Path
) -> None:
    writing = output()
    ran = subprocess.run(
        [sys.executable, "manage.py", "diffsettings"], cwd=processes.ROOT,
        env=processes.environment(DATABASE_URL=f"sqlite:///{tmp_path}/empty.sqlite3"),
        stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
    )  # fmt: skip
    os.close(writing)
    assert (ran.returncode, ran.stderr) == ended


def test_ctrl_c_during_the_imports_is_one_word(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "class CtrlC:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'django.core.management':\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, CtrlC())\n"
    )
    ran = manage(f"sqlite:///{tmp_path}/empty.sqlite3", "rejections", PYTHONPATH=str(tmp_path))
    assert (ran.returncode, ran.stderr) == (130, "stopped\n")


@pytest.mark.parametrize("command", ["queue", pytest.param("rejections", marks=pytest.mark.full)])
def test_a_database_that_is_away_is_one_line_without_the_password(command: str) -> None:
    ran = manage(f"postgresql://nobody:hidden@127.0.0.1:{processes.free_port()}/none", command)
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    assert ran.stderr.splitlines()[-1].startswith("CommandError: the database does not answer")
    assert "hidden" not in ran.stderr


def test_an_end_of_a_token_without_a_unit_is_answered_with_one(tmp_path: Path) -> None:
    ran = manage(f"sqlite:///{tmp_path}/none", "token", "create", "a", "--scope=read", "--expires=90")
    assert ran.returncode == 2
    assert ran.stderr.endswith("--expires: not a time in the future, as 2027-01-31 or 90d: '90'\n")


def test_the_error_of_a_missing_file_says_what_creates_it(tmp_path: Path) -> None:
    with pytest.raises(Error) as raised, connection.wrap_database_errors:
        sqlite3.connect(tmp_path / "missing" / "hookkeeper.sqlite3")
    said = errors.reason(raised.value)
    assert said.startswith("the database does not answer: unable to open")
    assert said.endswith("if it is missing, `manage.py migrate` creates it")


def test_a_file_that_is_no_database_or_may_not_be_written_is_not_said_to_be_away(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"text without the header of SQLite" * 40)
    (tmp_path / "empty").touch()
    for name, said in (
        (f"file:{tmp_path}/text", "file is not a database"),
        (f"file:{tmp_path}/empty?mode=ro", "attempt to write a readonly database"),
    ):
        with pytest.raises(Error) as raised, connection.wrap_database_errors:
            sqlite3.connect(name, uri=True).execute("CREATE TABLE t (a)")
        assert errors.reason(raised.value) == f"the database refuses this: {said}"


def test_the_doctor_says_that_a_short_key_stops_the_console(tmp_path: Path) -> None:
    ran = manage(f"sqlite:///{tmp_path}/empty.sqlite3", "doctor", SECRET_KEY="x" * 31)
    assert ran.returncode == 1
    assert "console key: SECRET_KEY has fewer than 32 characters" in ran.stdout


@pytest.fixture
def reader(database_url: str) -> Iterator[str]:
    """Yield the URL of a role that may read all tables and write none."""
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("CREATE ROLE reader LOGIN")
        owner.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
        try:
            yield re.sub(r"//postgres:?@", "//reader@", database_url)
        finally:
            owner.execute("DROP OWNED BY reader")
            owner.execute("DROP ROLE reader")


@pytest.mark.store
@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no roles")
def test_a_role_without_rights_is_named_by_doctor_commands_and_migrate(reader: str) -> None:
    said = manage(reader, "doctor")
    [line] = [line for line in said.stdout.splitlines() if re.match(r"wrong +database: ", line)]
    assert said.returncode == 1
    assert "may not write these tables: " in line
    assert "receiver_delivery" in line
    ran = manage(reader, "warm")
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1].startswith("CommandError: the role of DATABASE_URL lacks a right")
    ran = manage(f"{reader}&options=-csearch_path%3Dnowhere", "migrate", "--no-input")
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    assert ran.stderr.splitlines()[-1].startswith("CommandError: the role of DATABASE_URL may not create")


@pytest.mark.store
@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no standby")
def test_a_database_that_takes_no_writes_is_one_line(database_url: str) -> None:
    ran = manage(database_url, "warm", PGOPTIONS="-c default_transaction_read_only=on")
    assert ran.returncode == 1
    [line] = ran.stderr.splitlines()
    assert line.startswith("CommandError: the database refuses this: cannot execute")


@pytest.mark.store
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite makes a database that is missing")
def test_a_missing_database_is_not_taken_for_missing_tables(database_url: str) -> None:
    ran = manage(re.sub(r"@/[^?]+", "@/none", database_url), "queue")
    said = ran.stderr.splitlines()[-1]
    assert said.startswith("CommandError: the database does not answer")
    assert 'database "none" does not exist' in said


@pytest.mark.store
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite is tested above")
def test_missing_tables_of_postgresql_are_told_by_what_to_do(database_url: str) -> None:
    ran = manage(re.sub(r"@/[^?]+", "@/postgres", database_url), "queue")
    assert "manage.py migrate" in ran.stderr.splitlines()[-1]


def test_the_traceback_is_shown_on_request(tmp_path: Path) -> None:
    ran = manage(f"sqlite:///{tmp_path}/empty.sqlite3", "warm", "--traceback")
    assert "Traceback" in ran.stderr
