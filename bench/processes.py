"""Starts, watches and stops the process of a contender, on its core."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from bench import cores
from bench.delivery import ROOT

STARTS_WITHIN = 60.0  # seconds
LASTS = 1.0  # seconds
OURS = ("GITHUB_WEBHOOK_SECRET", "HOOKKEEPER_", "DJANGO_", "WEB_CONCURRENCY", "UVICORN_", "ALLOWED_HOSTS")


class ContenderError(Exception):
    """A contender did not start, or ended unexpectedly; the message contains the end of its log."""


def environment(changes: Mapping[str, str]) -> dict[str, str]:
    """Return this environment without Hookkeeper's settings, with `.venv/bin` first on PATH and `changes`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**kept, "PATH": path, "DEBUG": "0", **changes}


def executable(name: str) -> str | None:
    """Return the path of the command, in `.venv/bin` or on PATH."""
    return shutil.which(name, path=environment({})["PATH"])


def run(command: Sequence[str], changes: Mapping[str, str]) -> str:
    """Run a command to its end and return its output; raise `ContenderError` with its output if it fails."""
    done = subprocess.run(
        command, cwd=ROOT, env=environment(changes), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ContenderError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def free_port() -> int:
    """Return a free port of the loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def tree(process: psutil.Process) -> list[psutil.Process]:
    """Return a process and its descendants; raise `psutil.NoSuchProcess` if it has ended."""
    return [process, *process.children(recursive=True)]


def cpu(processes: Sequence[psutil.Process]) -> float:
    """Return the CPU seconds, user and system, of these processes and their ended children."""
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


class Process:
    """A started contender: its process and all descendants."""

    def __init__(self, popen: subprocess.Popen[bytes], log: Path) -> None:
        self._popen = popen
        self._process = psutil.Process(popen.pid)
        self._log = log

    def cpu(self) -> float:
        """Return the CPU seconds of the contender."""
        return cpu(self._tree())

    def peak_memory(self) -> int | None:
        """Return the peak of resident bytes (VmHWM), summed over the tree; None without /proc.

        Processes younger than `LASTS` are left out: a child that has not yet run its own program counts
        its parent's memory.
        """
        peaks = []
        for process in self._tree():
            try:
                if time.time() - process.create_time() < LASTS:
                    continue
                status = Path(f"/proc/{process.pid}/status").read_text()
            except (OSError, psutil.NoSuchProcess):
                continue
            peaks += [int(line.split()[1]) * 1024 for line in status.splitlines() if "VmHWM" in line]
        return sum(peaks) if peaks else None

    def memory(self) -> int:
        """Return the current resident bytes, summed over the tree."""
        return sum(process.memory_info().rss for process in self._tree())

    def check(self) -> None:
        """Raise `ContenderError` if it has ended."""
        if self._popen.poll() is not None:
            raise ContenderError(f"ended unexpectedly:\n{self.tail()}")

    def tail(self) -> str:
        """Return the end of its log."""
        return self._log.read_text(errors="replace")[-4000:]

    def pause(self) -> None:
        """Suspend it with SIGSTOP."""
        os.killpg(self._popen.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Resume it."""
        os.killpg(self._popen.pid, signal.SIGCONT)

    def await_port(self, port: int) -> None:
        """Return once it accepts connections; raise `ContenderError` if it does not."""
        deadline = time.monotonic() + STARTS_WITHIN
        while True:
            if self._popen.poll() is not None or time.monotonic() > deadline:
                raise ContenderError(f"did not start:\n{self.tail()}")
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return

    def _tree(self) -> list[psutil.Process]:
        try:
            return tree(self._process)
        except psutil.NoSuchProcess as error:
            raise ContenderError(f"ended unexpectedly:\n{self.tail()}") from error


@contextmanager
def running(
    command: str,
    log: Path,
    changes: Mapping[str, str],
    *,
    on: frozenset[int],
    cwd: Path,
    port: int | None = None,
    variable: str = "PORT",
) -> Iterator[Process]:
    """Run a shell command in its own process group, on these cores, until the context ends.

    With a `port`, wait until it listens there; the environment's `variable` contains the number.
    """
    with log.open("wb") as output, cores.on(on):
        popen = subprocess.Popen(
            f"exec {command}",
            shell=True,
            cwd=cwd,
            env=environment({**changes, variable: str(port)} if port else changes),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        process = Process(popen, log)
        if port is not None:
            process.await_port(port)
        yield process
    finally:
        if popen.poll() is None:
            os.killpg(popen.pid, signal.SIGTERM)
            os.killpg(popen.pid, signal.SIGCONT)  # it may be paused
            try:
                popen.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(popen.pid, signal.SIGKILL)
        popen.wait()
