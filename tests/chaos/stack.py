"""Run a receiver whose process a test can inspect and kill."""

import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import processes

SHORT_LEASE_WORKER = "tests.chaos.short_lease_worker.WorkerSettings"


@dataclass(frozen=True, slots=True)
class Receiver:
    """A running receiver."""

    url: str
    process: subprocess.Popen[bytes]

    def peak_memory(self) -> int:
        """Return its peak resident memory in bytes."""
        return peak_memory(self.process.pid)


def peak_memory(process: int) -> int:
    """Return the peak resident memory of a process in bytes; Linux only."""
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) * 1024


@contextmanager
def receiver(
    log: Path, application: str = "receiver.asgi:application", *, files: str = "", **changes: str
) -> Iterator[Receiver]:
    """Run the Procfile's `web:` line, or the same with another application; yield once it answers.

    It listens on `PORT`, by default a free one. `files` limits its open files.
    """
    changes = {"UVICORN_HOST": "127.0.0.1", "PORT": str(processes.free_port()), **changes}
    url = f"http://127.0.0.1:{changes['PORT']}"
    command = processes.PROCFILE["web"].replace("receiver.asgi:application", application)
    if files:
        command = f"sh -c {shlex.quote(f'ulimit -n {files}; exec {command}')}"
    with processes.running(command, log, **changes) as process:
        processes.wait_until_healthy(url, process, log)
        yield Receiver(url, process)


@contextmanager
def console(log: Path, application: str, grace: int = 10, /, **changes: str) -> Iterator[Receiver]:
    """Run the Procfile's `console:` line with another application; yield once it answers.

    `grace` are the seconds that its requests have when it stops.
    """
    port = processes.free_port()
    command = processes.PROCFILE["console"].replace("console.asgi:application", application)
    command += f" --timeout-graceful-shutdown {grace}"
    changes = {"UVICORN_HOST": "127.0.0.1", "CONSOLE_PORT": str(port), "SECRET_KEY": "k" * 40, **changes}
    with processes.running(command, log, **changes) as process:

        def answers() -> bool:
            assert process.poll() is None, log.read_text()
            return processes.accepts(port)

        processes.wait_until(answers, "the console answers", processes.STARTS_WITHIN)
        yield Receiver(f"http://127.0.0.1:{port}", process)
