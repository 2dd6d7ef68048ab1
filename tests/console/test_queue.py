"""The command `queue`: once in a pipe, repeatedly on a terminal, and without Redis or the database."""

import contextlib
import io
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings
from redis import Redis
from rich.console import Console

from console import rendering
from ledger import reading
from ledger.summary import Sheet
from receiver.models import Rejection
from tests import processes, servers
from tests.console.test_commands import run
from tests.processing.deliveries import stored

pytestmark = pytest.mark.django_db(transaction=True)

HOSTILE = "octo/\x1b]0;owned\x07\x1b[2J[red]cat[/red]\u202e\r\nsat"


def test_in_a_pipe_it_is_plain_and_printed_once(redis: "Redis") -> None:
    now = timezone.now()
    stored(received_at=now)
    stored(status="succeeded", finished_at=now)
    stored("issues__opened", status="dead", error="issues.record: ValueError: no", finished_at=now)
    stored(status="retrying", attempts=1, next_attempt_at=now, error="push.record: OSError: full")
    told = run("queue", "--watch")
    assert "2 waiting, the oldest for 0 s" in told
    lines = [line.split() for line in told.splitlines()]
    assert ["event", "received", "processing", "retrying", "succeeded", "dead"] in lines
    assert ["push", "1", "0", "1", "1", "0"] in lines
    assert ["issues", "0", "0", "0", "0", "1"] in lines
    assert "Workers: 0 alive" in told
    assert ["now", "2", "push", "harbour-works/tide-tables", "push.record:", "OSError:", "full"] in lines
    assert ["1", "issues.record:", "ValueError:", "no", "issues"] in lines
    assert "\x1b" not in told


@pytest.mark.once
def test_a_worker_is_shown_with_what_it_runs(redis: "Redis", database_url: str, worker_log: Path) -> None:
    def at_work() -> bool:
        return ["1", "push"] in [line.split()[3:5] for line in run("queue").splitlines()]

    row = stored()
    settings = "tests.e2e.slow_worker.WorkerSettings"
    with processes.worker(worker_log, settings, DATABASE_URL=database_url) as worker:
        run("replay", str(row.guid))
        processes.wait_until(at_work, "the delivery is at work")
        assert "Workers: 1 alive" in run("queue")
        processes.stop(worker, signal.SIGKILL)


def test_text_from_payloads_neither_marks_up_nor_commands_the_terminal(redis: "Redis") -> None:
    stored(status="retrying", repository=HOSTILE, error=HOSTILE)
    stored(status="processing", repository=HOSTILE, worker=HOSTILE)
    stored(status="dead", event="[bold]", error=HOSTILE, finished_at=timezone.now())
    Rejection.objects.create(
        at=timezone.now(), reason="header", status=400, detail=HOSTILE, address="a", event=HOSTILE, size=0
    )
    for told in (run("queue"), run("replay", "--dry-run", "--status", "retrying"), run("rejections")):
        assert "[red]cat[/red]" in told
        assert set("\x1b\x07\r\u202e").isdisjoint(told)
    assert "[bold]" in run("queue")


def test_a_narrow_terminal_breaks_text_and_cuts_none() -> None:
    shown = Console(file=io.StringIO(), width=40)
    shown.print(rendering.render("", [Sheet("Rejections", ["reason", "detail"], [["header", 60 * "x"]])]))
    told = cast("io.StringIO", shown.file).getvalue()
    assert (told.count("x"), "…" in told) == (60, False)


def test_what_is_beyond_the_bound_is_estimated(redis: "Redis") -> None:
    for _ in range(4):
        stored()
        stored(status="succeeded", finished_at=timezone.now())
    found = reading.read(cap=2)
    assert found.waiting == {("received", "push"): 2}
    assert found.waiting_total >= 2
    assert found.settled == {("succeeded", "push"): 2}
    assert found.settled_since > found.now - reading.HOUR / 2
    assert found.settled_last_minute == 4


def test_without_redis_the_rest_is_shown(settings: Settings, tmp_path: Path) -> None:
    settings.REDIS_URL = f"unix://{tmp_path / 'none.sock'}"
    stored(status="processing", worker="a:1")
    told = run("queue")
    assert "Workers: Redis does not answer" in told
    assert "unknown" in told


class Screen:
    """The output of a process on its terminal."""

    def __init__(self, end: int) -> None:
        self._end = end
        self.written = ""

    def shows(self, text: str) -> bool:
        """Return whether this text was written after the last text that was found."""
        self.read()
        before, found, after = self.written.rpartition(text)
        self.written = after if found else before + after
        return bool(found)

    def read(self) -> None:
        """Read the new output."""
        while select.select([self._end], [], [], 0)[0]:
            self.written += os.read(self._end, 65536).decode(errors="replace")


@contextlib.contextmanager
def watching(**environment: str) -> "Iterator[tuple[subprocess.Popen[bytes], Screen]]":
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "queue", "--watch"],
        cwd=processes.ROOT, stdin=its, stdout=its, stderr=its, start_new_session=True,
        env=processes.environment(TERM="xterm", COLUMNS="150", LINES="50", **environment),
    )  # fmt: skip
    os.close(its)
    try:
        yield process, Screen(ours)
    finally:
        processes.stop(process, signal.SIGTERM)
        os.close(ours)


def interrupted(process: "subprocess.Popen[bytes]", screen: Screen) -> bool:
    """Send Ctrl-C; the caller repeats it if Python could not be interrupted at that moment.

    It reads the screen meanwhile, because a process blocks when nobody reads its terminal.
    """
    process.send_signal(signal.SIGINT)
    deadline = time.monotonic() + 2
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):  # the process has ended
            screen.read()
        time.sleep(0.02)
    return process.poll() is not None


@pytest.mark.once
def test_watching_outlives_a_database_and_a_redis_that_are_away_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    place = tmp_path / "place"
    environment = {
        "DATABASE_URL": f"sqlite:///{place / 'ledger.sqlite3'}",
        "REDIS_URL": f"unix://{place / 'r.sock'}",
    }
    with watching(**environment) as (process, screen):
        processes.wait_until(lambda: screen.shows("the database does not answer"), "the outage is told")
        place.mkdir()
        connection.cursor().execute("VACUUM INTO %s", [str(place / "ledger.sqlite3")])
        processes.wait_until(lambda: screen.shows("Redis does not answer"), "the database is back")
        server = servers.Valkey(port=0, data_dir=place / "valkey", unix_socket_path=place / "r.sock")
        server.start()
        processes.wait_until(lambda: screen.shows("0 alive"), "Redis is back")
        processes.wait_until(lambda: interrupted(process, screen), "Ctrl-C ends it")
        assert process.returncode == 0
    server.stop()
