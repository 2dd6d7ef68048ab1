"""`make run`, on a machine with nothing but Python: one command starts all, and all of it stops."""

import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from tests.console.visitors import Visitor
from tests.processes import ROOT, free_port, wait_until

Start = Callable[..., "Run"]


class Run:
    """A supervisor, what it says, and the processes that it started."""

    def __init__(self, folder: Path, log: Path, **environment: str) -> None:
        self.folder, self.log = folder, log
        self.port = environment.get("PORT", str(free_port()))
        # PATH and HOME are all that a new machine gives.
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "HOOKKEEPER_DATA": str(folder),
            "CONSOLE_PORT": str(free_port()),
            **environment,
            "PORT": self.port,
        }
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "dev"], cwd=ROOT, env=self.environment,
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self.family: set[psutil.Process] = set()

    @property
    def told(self) -> str:
        return self.log.read_text()

    @property
    def console(self) -> str:
        """What the console's process wrote."""
        return "\n".join(line for line in self.told.splitlines() if " console | " in line)

    def wait_until_ready(self) -> "Run":
        def ready() -> bool:
            assert self.process.poll() is None, self.told
            return (
                "Application startup complete" in self.told
                and "is ready for" in self.told
                and "Uvicorn running" in self.console
            )

        wait_until(ready, "receiver, worker and console are up", 30)
        self.family = set(psutil.Process(self.process.pid).children(recursive=True))
        return self

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        environment = {name: value for name, value in self.environment.items() if name != "PORT"}
        return subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def end(self, how: signal.Signals = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(30)

    def left(self) -> list[psutil.Process]:
        return [process for process in self.family if alive(process)]


def alive(process: psutil.Process) -> bool:
    """Say whether it runs; it may end at any moment, between two questions too."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    runs: list[Run] = []

    def starting(folder: Path = tmp_path / "var", **environment: str) -> Run:
        runs.append(Run(folder, tmp_path / f"run{len(runs)}.log", **environment))
        return runs[-1]

    yield starting
    for run in runs:
        run.end()
        for process in run.left():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def rows(run: Run, table: str) -> int:
    with closing(sqlite3.connect(run.folder / "hookkeeper.sqlite3")) as database:
        count: int = database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - our own tables
        return count


def test_one_command_runs_all_and_a_push_that_is_sent_ends_as_commits_in_any_folder(
    start: Start, tmp_path: Path
) -> None:
    # A long path with spaces: no unix socket and no shell may depend on it.
    folder = tmp_path / ("a folder's name " * 6) / "var"
    folder.parent.mkdir()
    run = start(folder).wait_until_ready()
    assert f"webhook URL  http://127.0.0.1:{run.port}/webhooks/github" in run.told
    sent = run.command("send", "push")
    assert sent.stdout.startswith("202 "), sent.stderr
    guid = json.loads(sent.stdout[4:])["guid"]
    wait_until(lambda: f"| {guid}" in run.told, "the log line")
    [line] = [line for line in run.told.splitlines() if guid in line]
    assert re.search(r" worker +\| ", line)
    assert "push | harbour-works/tide-tables | main pushed with 3 commits, 3 of them new | succeeded" in line
    assert (rows(run, "records_push"), rows(run, "records_commit")) == (1, 3)


def test_the_generated_secret_is_kept_private_and_survives_a_restart(start: Start) -> None:
    run = start().wait_until_ready()
    path = run.folder / "webhook-secret"
    assert f"secret       {path}" in run.told
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    secret = path.read_text()
    assert len(secret.strip()) == 64
    assert run.end(signal.SIGTERM) == 0
    assert run.left() == []
    again = start().wait_until_ready()
    assert path.read_text() == secret
    assert secret.strip() not in run.told + again.told


def test_the_printed_link_opens_the_console_once(start: Start) -> None:
    run = start().wait_until_ready()
    [link] = re.findall(r"console +(http://127\.0\.0\.1:\d+/sign-in/[0-9a-f]{64})\n", run.told)
    visitor = Visitor(link.partition("/sign-in")[0])
    path = link.removeprefix(visitor.url)
    assert "local (admin)" in visitor.get(path).text
    assert Visitor(visitor.url).get(path).status == 403
    assert stat.S_IMODE((run.folder / "secret-key").stat().st_mode) == 0o600
    assert (run.folder / "secret-key").read_text().strip() not in run.told


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGHUP])
def test_ctrl_c_or_the_end_of_the_terminal_stops_all_and_leaves_no_process(
    how: signal.Signals, start: Start
) -> None:
    run = start().wait_until_ready()
    assert len(run.family) >= 3
    assert run.end(how) == 0
    assert run.left() == []
    assert "Traceback" not in run.told


def kill_the_supervisor(run: Run) -> None:
    run.process.kill()


def kill_its_process_group(run: Run) -> None:
    """With those of honcho's processes that pass the output on."""
    os.killpg(run.process.pid, signal.SIGKILL)


def test_a_supervisor_that_is_killed_takes_all_with_it_and_can_be_started_again(start: Start) -> None:
    port = str(free_port())
    for kill in (kill_the_supervisor, kill_its_process_group):
        run = start(PORT=port).wait_until_ready()
        assert run.command("send", "push").stdout.startswith("202 ")
        wait_until(lambda: "| succeeded |" in run.told, "the log line")  # noqa: B023 - called in this round
        kill(run)
        run.process.wait(30)
        wait_until(lambda: run.left() == [], "no process is left")  # noqa: B023 - called in this round


def test_a_supervisor_that_is_killed_while_it_starts_leaves_no_process(start: Start) -> None:
    run = start()
    wait_until(lambda: "Ctrl-C stops it" in run.told, "the first words", 30)
    run.family = set(psutil.Process(run.process.pid).children(recursive=True))
    run.process.kill()
    run.process.wait(30)
    # What was just being started is found by the data folder in its environment.
    wait_until(lambda: working_in(run.folder) == [], "no process is left")


def working_in(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.status() != "zombie" and process.environ().get("HOOKKEEPER_DATA") == str(folder):
                found.append(process)
    return found


@pytest.mark.parametrize("name", ["valkey-server", "arq"])
def test_when_one_process_dies_all_stop_and_none_is_left(name: str, start: Start) -> None:
    run = start().wait_until_ready()
    [victim] = [
        process
        for process in run.family
        if name in process.cmdline() or any(Path(part).name == name for part in process.cmdline()[:2])
    ]
    victim.kill()
    assert run.process.wait(30) == 1
    wait_until(lambda: run.left() == [], "no process is left")


def test_starting_twice_says_that_it_already_runs(start: Start) -> None:
    first = start().wait_until_ready()
    second = start()
    assert second.process.wait(30) == 1
    assert (
        f"already runs in {first.folder}: process {first.process.pid} serves http://127.0.0.1:{first.port}"
        in second.told
    )
    assert first.process.poll() is None


def test_a_taken_port_is_said_with_the_way_out(start: Start) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = start(PORT=str(port))
        assert run.process.wait(30) == 1
    assert f"port {port} is taken" in run.told
    assert "PORT=" in run.told
    assert "Traceback" not in run.told


def test_a_taken_console_port_is_said_with_the_way_out(start: Start) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = start(CONSOLE_PORT=str(port))
        assert run.process.wait(30) == 1
    assert f"port {port} is taken" in run.told
    assert "CONSOLE_PORT=" in run.told


def test_ctrl_c_right_after_the_start_stops_all(start: Start) -> None:
    run = start()
    wait_until(lambda: "Ctrl-C stops it" in run.told, "the first words", 30)
    family = set(psutil.Process(run.process.pid).children(recursive=True))
    assert run.end() == 0
    run.family = family
    assert run.left() == []


def test_a_data_folder_that_cannot_be_used_is_one_line_that_names_it(start: Start, tmp_path: Path) -> None:
    (tmp_path / "var" / "run.json").mkdir(parents=True)
    run = start()
    assert run.process.wait(30) == 1
    assert run.told == "hookkeeper: HOOKKEEPER_DATA: the folder cannot be used: Is a directory\n"


def test_a_wrong_setting_is_one_line_that_names_it(start: Start) -> None:
    run = start(PORT="eighty")
    assert run.process.wait(30) == 1
    assert run.told.startswith("hookkeeper: ")
    assert "PORT" in run.told
    assert "Traceback" not in run.told
