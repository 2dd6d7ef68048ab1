"""Runs the Procfile's processes and the embedded Redis; if one ends, all end."""

import multiprocessing
import os
import shlex
import signal
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from honcho.environ import parse_procfile
from honcho.manager import Manager
from honcho.process import Popen, Process

import settings
from configuration import data_folder
from dev import embedded

HOST = "127.0.0.1"
RELEASE = "release"
REDIS = "redis"
LEASH = Path(__file__).with_name("leash.py")


class PortTakenError(Exception):
    """The port of the receiver or the console is not available."""


class AllOrNone(Manager):  # type: ignore[misc] # honcho has no types
    """honcho's manager, which accepts a signal at any time and stops Redis after the processes that use it.

    Its processes end with it, even if it is killed with SIGKILL.
    """

    _processes: dict[str, dict[str, Any]]
    _stop_when_started = False
    _redis_signalled = False

    def __init__(self) -> None:
        super().__init__()
        # A read from the leash returns when no process has the other end open.
        self._leash, self._held = multiprocessing.Pipe(duplex=False)
        os.register_at_fork(after_in_child=self._held.close)
        self._process_ctor = self._leashed

    def _leashed(self, command: str, **options: Any) -> Process:
        process = Process(shlex.join(["exec", sys.executable, str(LEASH), command]), **options)
        process._child_ctor = partial(Popen, stdin=self._leash)
        return process

    def terminate(self) -> None:
        """End all processes, now or as soon as their ids are known."""
        if super()._all_started():
            super().terminate()
        else:
            self._stop_when_started = True

    def _all_started(self) -> bool:
        started = bool(super()._all_started())
        if started and self._stop_when_started:
            self._stop_when_started = False
            super().terminate()
        return started

    def _killall(self, force: bool = False) -> None:
        processes = self._processes
        first = {name: entry for name, entry in processes.items() if name != REDIS}
        if not force and any("returncode" not in entry for entry in first.values()):
            self._processes = first
        try:
            super()._killall(force=force)
        finally:
            self._processes = processes

    def _all_stopped(self) -> bool:
        # honcho calls this in each iteration of its loop.
        left = [name for name, entry in self._processes.items() if "returncode" not in entry]
        if self._terminating and left == [REDIS] and not self._redis_signalled:
            self._redis_signalled = True
            super()._killall()
        return not left


def main() -> int:
    """Run until Ctrl-C or until one process ends; return the exit code, 0 after Ctrl-C."""
    url, console = (f"http://{HOST}:{port}" for port in (settings.PORT, settings.CONSOLE_PORT))
    try:
        settings.DATA.mkdir(mode=0o700, parents=True, exist_ok=True)
        with data_folder.hold(settings.DATA, {"pid": os.getpid(), "url": url, "console": console}):
            _check_ports()
            return _run(url)
    except (PortTakenError, data_folder.AlreadyRunsError, embedded.SocketFolderError) as error:
        print(f"hookkeeper: {error}", file=sys.stderr)
    except OSError as error:
        print(f"hookkeeper: HOOKKEEPER_DATA: the folder cannot be used: {error.strerror}", file=sys.stderr)
    return 1


def _check_ports() -> None:
    """Raise `PortTakenError` if a port of the run is not available, or both are one."""
    _check_port(settings.PORT, "PORT=8001 make run")
    _check_port(settings.CONSOLE_PORT, "CONSOLE_PORT=8002 make run")
    if settings.PORT == settings.CONSOLE_PORT:
        raise PortTakenError("CONSOLE_PORT must differ from PORT")


def _check_port(port: int, other: str) -> None:
    """Raise `PortTakenError` if the port is not available; `other` is a command that uses another port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise PortTakenError(
                f"port {port} is taken ({error.strerror}); choose another: {other}"
            ) from error


def _environment() -> dict[str, str]:
    """Return the environment of the processes: this one, with the settings of a development run."""
    found = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "HOOKKEEPER_DATA": str(settings.DATA),
        "PORT": str(settings.PORT),
        "CONSOLE_PORT": str(settings.CONSOLE_PORT),
        "UVICORN_HOST": HOST,
        # All processes are of this version.
        "COMPRESS_WITH_DICTIONARY": os.environ.get("COMPRESS_WITH_DICTIONARY", "on"),
        "PYTHONUNBUFFERED": "1",
    }
    if not settings.WEBHOOK_SECRETS:
        found["GITHUB_WEBHOOK_SECRET_FILE"] = str(data_folder.secret(settings.DATA))
    if not settings.SECRET_KEY and not os.environ.get("SECRET_KEY_FILE"):
        found["SECRET_KEY_FILE"] = str(data_folder.secret(settings.DATA, data_folder.KEY_FILE))
    return found


def _run(url: str) -> int:
    environment = _environment()
    procfile = parse_procfile((settings.BASE_DIR / "Procfile").read_text()).processes
    release = subprocess.run(  # the Procfile is the repository's own
        procfile.pop(RELEASE),
        shell=True,
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        check=False,
    )
    if release.returncode:
        sys.stderr.buffer.write(release.stdout + release.stderr)
        print("hookkeeper: the database could not be migrated", file=sys.stderr)
        return 1
    manager = AllOrNone()
    if not os.environ.get("REDIS_URL", "").strip():
        manager.add_process(REDIS, embedded.command(settings.DATA), env=environment, cwd=settings.BASE_DIR)
    for name, command in procfile.items():
        manager.add_process(name, command, env=environment, cwd=settings.BASE_DIR)
    # `manage.py` finds this run by its data folder.
    folder = (
        f"HOOKKEEPER_DATA={shlex.quote(str(settings.DATA))} " if os.environ.get("HOOKKEEPER_DATA") else ""
    )
    print(
        f"Hookkeeper: {url}\n"
        f"  console      http://{HOST}:{settings.CONSOLE_PORT}/sign-in/{data_folder.new_link(settings.DATA)}\n"
        f"  webhook URL  {url}/webhooks/github\n"
        f"  secret       {environment.get('GITHUB_WEBHOOK_SECRET_FILE', 'as set in the environment')}\n"
        f"  data         {settings.DATA}\n"
        f"  try          {folder}.venv/bin/python manage.py send push\n"
        "Ctrl-C stops it.",
        flush=True,
    )
    signal.signal(signal.SIGHUP, _hang_up)  # the terminal was closed
    manager.loop()
    asked = {128 + signal.SIGINT, 128 + signal.SIGTERM}
    return 0 if manager.returncode in asked else 1


def _hang_up(_number: int, _frame: FrameType | None) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
