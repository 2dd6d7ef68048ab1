"""The command line with a database that is away or empty: one line, and no traceback."""

import subprocess
import sys
from pathlib import Path

from tests import processes


def manage(url: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=processes.ROOT,
        env=processes.environment(DATABASE_URL=url), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_an_empty_database_is_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    ran = manage(f"sqlite:///{tmp_path}/empty.sqlite3", "replay", "--status", "dead")
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    assert ran.stderr.splitlines()[-1].startswith("CommandError: the database")
    assert "manage.py migrate" in ran.stderr


def test_a_database_that_is_away_is_one_line_without_the_password() -> None:
    ran = manage(f"postgresql://nobody:hidden@127.0.0.1:{processes.free_port()}/none", "rejections")
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    assert ran.stderr.splitlines()[-1].startswith("CommandError: the database does not answer")
    assert "hidden" not in ran.stderr


def test_the_traceback_is_shown_on_request(tmp_path: Path) -> None:
    ran = manage(f"sqlite:///{tmp_path}/empty.sqlite3", "warm", "--traceback")
    assert "Traceback" in ran.stderr
