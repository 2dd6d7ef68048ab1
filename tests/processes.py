"""Run the receiver and the worker as real processes, with the lines of the Procfile."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from honcho.environ import parse_procfile

from tests import ports

ROOT = Path(__file__).parent.parent
# Seconds in which a process starts and stops, and in which it does something, on a machine that has much else
# to do. A test that passes never waits so long.
STARTS_WITHIN = STOPS_WITHIN = 100.0
PATIENCE = 60.0
free_port = ports.free_port
PROCFILE: dict[str, str] = parse_procfile((ROOT / "Procfile").read_text()).processes


def accepts(port: int) -> bool:
    """Say whether somebody accepts connections on this port of the loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(true: Callable[[], object], what: str, within: float = PATIENCE) -> None:
    """Poll until `true()`. Raises AssertionError with `what` after `within` seconds.

    What takes long is looked at less often, because a look may cost a connection to the database.
    """
    deadline, pause = time.monotonic() + within, 0.02
    while not true():
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        time.sleep(pause)
        pause = min(1.5 * pause, 0.1)


def environment(**changes: str) -> dict[str, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return {**inherited, "PATH": path, "PYTHONUNBUFFERED": "1", **changes}


@contextmanager
def running(command: str, log: Path, **changes: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a shell command in its own process group, and stop the group at the end of the context.

    It runs in this checkout, or in the one that `CHECKOUT` names.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            f"exec {command}",
            shell=True,
            cwd=changes.get("CHECKOUT", ROOT),
            env=environment(**changes),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            stop(process, signal.SIGTERM)


def stop(process: subprocess.Popen[bytes], how: signal.Signals) -> int:
    """Signal the process group and wait for its end; kill it after STOPS_WITHIN."""
    if process.poll() is None:
        os.killpg(process.pid, how)
        try:
            process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


def wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the receiver at this URL answers; fail with its log if it ends before."""

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=5) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    wait_until(answers, "the receiver answers", STARTS_WITHIN)


@contextmanager
def receiver(log: Path, **changes: str) -> Iterator[str]:
    """Run the Procfile's `web:` line; yield its URL once it answers."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running(PROCFILE["web"], log, PORT=str(port), UVICORN_HOST="127.0.0.1", **changes) as process:
        wait_until_healthy(url, process, log)
        yield url


@contextmanager
def console(log: Path, **changes: str) -> Iterator[str]:
    """Run the Procfile's `console:` line; yield its URL once it answers."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running(
        PROCFILE["console"], log, CONSOLE_PORT=str(port), UVICORN_HOST="127.0.0.1", **changes
    ) as process:

        def answers() -> bool:
            assert process.poll() is None, log.read_text()
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        wait_until(answers, "the console answers", STARTS_WITHIN)
        yield url


@contextmanager
def worker(
    log: Path, settings: str = "worker.WorkerSettings", **changes: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the Procfile's `worker:` line, or the same with other settings; yield once it is ready."""
    command = PROCFILE["worker"].replace("worker.WorkerSettings", settings)
    before = log.stat().st_size if log.exists() else 0
    with running(command, log, **changes) as process:

        def ready() -> bool:
            # What waited for the worker may have killed it since it was ready.
            ended = process.poll() is not None
            said = log.read_bytes()[before:]
            # The second is what version 0.1 says, from which tests/chaos/test_upgrade.py upgrades.
            was_ready = b"worker started version=" in said or b" is ready for:" in said
            assert was_ready or not ended, log.read_text()
            return was_ready

        wait_until(ready, "the worker is ready", STARTS_WITHIN)
        yield process
