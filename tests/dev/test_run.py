"""`make run`, on a machine with nothing but Python: one command starts all, and all of it stops."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID

import psutil
import pytest
from django.conf import settings

from configuration import data_folder
from tests.console.visitors import Visitor
from tests.processes import PROCFILE, ROOT, free_port, wait_until

Start = Callable[..., "Run"]
# Seconds until the supervisor has ended.
ENDS_WITHIN = 60
# Stands in for a process that a test does not need: it costs no time to start.
QUICK = "echo up; exec sleep 1000"
# What each process writes once it is up.
ALL_UP = {
    "web": "Application startup complete",
    "worker": "worker started version=",
    "console": "Uvicorn running",
}


class Run:
    """A supervisor, its output, and the processes that it started."""

    def __init__(self, folder: Path, log: Path, tree: Path = ROOT, **environment: str) -> None:
        self.folder, self.log = folder, log
        self.sent: list[str] = []
        self.port = environment.get("PORT", str(free_port()))
        # PATH and HOME are all that a new machine has.
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
                [sys.executable, "-m", "dev"], cwd=tree, env=self.environment,
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self.family: set[psutil.Process] = set()
        self.secret = ""

    @property
    def output(self) -> str:
        return self.log.read_text()

    def lines(self, name: str) -> str:
        """Return what one of the processes wrote."""
        return "\n".join(line for line in self.output.splitlines() if re.search(rf" {name} +\| ", line))

    def wait_until_ready(self, **up: str) -> "Run":
        """Wait until each process wrote its text, or this one."""
        expected = {**ALL_UP, **up}

        def ready() -> bool:
            assert self.process.poll() is None, self.output
            return all(text in self.lines(name) for name, text in expected.items())

        wait_until(ready, "all processes are up", 60)
        self.family = self.children()
        self.secret = (self.folder / "webhook-secret").read_text()
        return self

    def children(self) -> set[psutil.Process]:
        """Return the processes that it has started so far."""
        try:
            return set(psutil.Process(self.process.pid).children(recursive=True))
        except psutil.NoSuchProcess:
            return set()

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        environment = {name: value for name, value in self.environment.items() if name != "PORT"}
        return subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def send_push(self) -> None:
        """Send a push, which the receiver accepts."""
        sent = self.command("send", "push")
        assert sent.stdout.startswith("202 "), sent.stderr
        self.sent.append(json.loads(sent.stdout[4:])["guid"])

    def kill_the_receiver(self) -> None:
        [receiver] = [process for process in self.family if "receiver.asgi:application" in words(process)]
        receiver.kill()

    def end(self, how: signal.Signals = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(ENDS_WITHIN)

    def nothing_is_left(self) -> None:
        """Wait until no process is left of those that were seen, or of those that have its data folder."""
        wait_until(lambda: not any(map(alive, self.family)), "no process is left")
        wait_until(lambda: working_in(self.folder) == [], "no process is left")


def alive(process: psutil.Process) -> bool:
    """Return whether it runs. It may end at any moment, also between two questions."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def words(process: psutil.Process) -> set[str]:
    """Return the arguments of a program, with the names of the files among them; none once it has ended."""
    try:
        arguments = process.cmdline()
    except psutil.NoSuchProcess:
        return set()
    # Shells and the leash have the whole command in one argument.
    return {*arguments, *(Path(argument).name for argument in arguments[:2])}


def working_in(folder: Path) -> list[psutil.Process]:
    """Return the processes with this data folder in their environment."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            its = process.environ().get("HOOKKEEPER_DATA")
            if process.status() != psutil.STATUS_ZOMBIE and its == str(folder):
                found.append(process)
    return found


@contextlib.contextmanager
def starting(logs: Path, folder: Path) -> Iterator[Start]:
    """Yield a function that starts a supervisor; end all of them after the tests."""
    runs: list[Run] = []

    def start(folder: Path = folder, tree: Path = ROOT, **environment: str) -> Run:
        runs.append(Run(folder, logs / f"run{len(runs)}.log", tree, **environment))
        return runs[-1]

    try:
        yield start
    finally:
        for run in runs:
            run.end()
            for process in filter(alive, run.family):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with starting(tmp_path, tmp_path / "var") as start:
        yield start


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Run, Run]]:
    """Yield two runs in one folder, whose long path has spaces; no test may end the second.

    The first one has a receiver alone, took a push, and ended because its receiver was killed.
    The worker of the second has processed the push.
    """
    logs = tmp_path_factory.mktemp("running")
    folder = logs / ("a folder's name " * 6) / "var"
    folder.parent.mkdir()
    with starting(logs, folder) as start:
        port = str(free_port())
        alone = checkout(logs / "tree", **{**PROCFILE, "worker": QUICK, "console": QUICK})
        first = start(tree=alone, PORT=port)
        first.wait_until_ready(worker="up", console="up").send_push()
        first.kill_the_receiver()
        assert first.process.wait(ENDS_WITHIN) == 1
        first.nothing_is_left()
        second = start(PORT=port).wait_until_ready()
        wait_until(lambda: f"| {first.sent[0]}" in second.output, "the worker logs the delivery")
        yield first, second
        assert second.end() == 0
        second.nothing_is_left()
        assert "Traceback" not in second.output


def checkout(tree: Path, **procfile: str) -> Path:
    """Make a checkout with the packages of this one and another Procfile."""
    tree.mkdir()
    for package in ROOT.glob("*/__init__.py"):
        (tree / package.parent.name).symlink_to(package.parent)
    for name in ("manage.py", "settings.py", "pyproject.toml", "worker.py"):
        shutil.copy(ROOT / name, tree)
    (tree / "Procfile").write_text("".join(f"{name}: {command}\n" for name, command in procfile.items()))
    return tree


@pytest.fixture
def running(runs: tuple[Run, Run]) -> Run:
    """Return a run that is up; no test may end it."""
    return runs[1]


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout in which only the supervisor is real."""
    return checkout(tmp_path_factory.mktemp("quick") / "tree", release="true", **dict.fromkeys(ALL_UP, QUICK))


def rows(run: Run, table: str) -> int:
    with closing(sqlite3.connect(run.folder / "hookkeeper.sqlite3")) as database:
        count: int = database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - our own tables
        return count


def test_a_push_that_is_sent_ends_as_commits_whatever_the_folder_is_called(runs: tuple[Run, Run]) -> None:
    first, second = runs
    assert f"webhook URL  http://127.0.0.1:{first.port}/webhooks/github" in first.output
    [line] = [line for line in second.lines("worker").splitlines() if f"| {first.sent[0]}" in line]
    assert "push | harbour-works/tide-tables | main pushed with 3 commits, 3 of them new | succeeded" in line
    assert (rows(second, "records_push"), rows(second, "records_commit")) == (1, 3)


def test_each_process_logs_the_version_of_the_checkout_when_it_starts(running: Run) -> None:
    for name, what in {"web": "receiver", "worker": "worker", "console": "console"}.items():
        assert re.search(rf"{what} started version={re.escape(settings.VERSION)}\b", running.lines(name))
    assert running.command("--version").stdout == f"{settings.VERSION}\n"


def test_the_generated_secrets_are_private_and_not_printed(running: Run) -> None:
    assert f"secret       {running.folder / 'webhook-secret'}" in running.output
    for name in ("webhook-secret", "secret-key"):
        path = running.folder / name
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert len(path.read_text().strip()) == 64
        assert path.read_text().strip() not in running.output


def test_the_printed_link_opens_the_console_once(running: Run) -> None:
    [link] = re.findall(r"console +(http://127\.0\.0\.1:\d+/sign-in/[0-9a-f]{64})\n", running.output)
    visitor = Visitor(link.partition("/sign-in")[0])
    path = link.removeprefix(visitor.url)
    assert "local (admin)" in visitor.get(path).text
    assert Visitor(visitor.url).get(path).status == 403
    [link] = running.command("sign_in_link").stdout.splitlines()
    assert "local (admin)" in Visitor(visitor.url).get(link.removeprefix(visitor.url)).text


def test_the_printed_command_sends_to_this_run(running: Run) -> None:
    [line] = re.findall(r"  try +(.*)\n", running.output)
    environment = {
        name: value for name, value in running.environment.items() if name not in {"PORT", "HOOKKEEPER_DATA"}
    }
    sent = subprocess.run(
        line.replace(".venv/bin/python", sys.executable), shell=True, cwd=ROOT, env=environment,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert sent.stdout.startswith("202 "), sent.stderr


def test_a_second_start_in_a_folder_says_that_it_already_runs(running: Run, start: Start) -> None:
    second = start(running.folder)
    assert second.process.wait(ENDS_WITHIN) == 1
    where = f"process {running.process.pid} serves http://127.0.0.1:{running.port}"
    assert f"already runs in {running.folder}: {where}" in second.output
    assert running.process.poll() is None


def test_it_starts_again_after_its_receiver_died_with_the_same_secret_and_all_deliveries(
    runs: tuple[Run, Run],
) -> None:
    first, second = runs
    assert second.secret == first.secret != ""
    with closing(sqlite3.connect(second.folder / "hookkeeper.sqlite3")) as database:
        guids = {str(UUID(guid)) for (guid,) in database.execute("SELECT guid FROM receiver_delivery")}
    assert guids.issuperset(first.sent)


def all_up(start: Start, quick: Path) -> Run:
    return start(tree=quick).wait_until_ready(**dict.fromkeys(ALL_UP, "up"))


# `runs` ends with Ctrl-C.
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP])
def test_a_termination_and_the_end_of_the_terminal_stop_all(
    how: signal.Signals, start: Start, quick: Path
) -> None:
    run = all_up(start, quick)
    assert run.end(how) == 0
    run.nothing_is_left()
    assert "Traceback" not in run.output


def test_a_supervisor_that_is_killed_takes_all_with_it_and_can_be_started_again(
    start: Start, quick: Path
) -> None:
    # Alone, and with the processes of honcho.
    for kill in (os.kill, os.killpg):
        run = all_up(start, quick)
        kill(run.process.pid, signal.SIGKILL)
        run.process.wait(ENDS_WITHIN)
        run.nothing_is_left()


# The three processes of the Procfile are one to the supervisor; `runs` shows it of a real receiver.
def test_when_redis_dies_all_stop(start: Start, quick: Path) -> None:
    run = all_up(start, quick)
    # A program that has just begun, or writes its own title, has no arguments for a moment.
    found: list[psutil.Process] = []

    def redis_runs() -> bool:
        run.family |= run.children()
        found[:] = [process for process in run.family if "valkey-server" in words(process)]
        return len(found) == 1

    wait_until(redis_runs, "Redis runs its program")
    found[0].kill()
    assert run.process.wait(ENDS_WITHIN) == 1
    run.nothing_is_left()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_supervisor_that_is_stopped_or_killed_while_it_starts_leaves_no_process(
    how: signal.Signals, start: Start, quick: Path
) -> None:
    run = start(tree=quick)
    wait_until(lambda: "Ctrl-C stops it" in run.output, "the first words", 60)
    run.family = run.children()
    assert run.end(how) == (-how if how == signal.SIGKILL else 0)
    run.nothing_is_left()


@pytest.mark.parametrize("name", ["PORT", "CONSOLE_PORT"])
def test_a_taken_port_is_an_error_that_says_how_to_use_another(name: str, start: Start) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = start(**{name: str(port)})
        assert run.process.wait(ENDS_WITHIN) == 1
    assert f"port {port} is taken" in run.output
    assert f"{name}=" in run.output
    assert "Traceback" not in run.output


def test_one_port_for_receiver_and_console_is_an_error(start: Start) -> None:
    port = str(free_port())
    run = start(PORT=port, CONSOLE_PORT=port)
    assert run.process.wait(ENDS_WITHIN) == 1
    assert run.output == "hookkeeper: CONSOLE_PORT must differ from PORT\n"


def test_a_full_disk_leaves_no_empty_secret_at_which_each_later_start_would_fail(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from resource import RLIMIT_FSIZE, setrlimit\n"
        "from configuration import data_folder\n"
        "setrlimit(RLIMIT_FSIZE, (0, 0))\n"
        "data_folder.secret(Path(sys.argv[1]))"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], cwd=ROOT, capture_output=True, check=False)
    assert b"OSError: [Errno 27] File too large" in done.stderr
    assert len(data_folder.secret(tmp_path).read_text()) == 65


def test_a_data_folder_that_cannot_be_used_is_one_line_that_names_it(start: Start, tmp_path: Path) -> None:
    (tmp_path / "var" / "run.json").mkdir(parents=True)
    run = start()
    assert run.process.wait(ENDS_WITHIN) == 1
    assert run.output == "hookkeeper: HOOKKEEPER_DATA: the folder cannot be used: Is a directory\n"
