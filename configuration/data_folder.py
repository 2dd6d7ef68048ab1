"""The data folder of `make run`: its lock, the description of the run, and the generated secrets."""

import fcntl
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

SECRET_FILE = "webhook-secret"  # noqa: S105 - the name of a file
KEY_FILE = "secret-key"
LINK_FILE = "console-link"
RUN_FILE = "run.json"


class AlreadyRunsError(Exception):
    """Another supervisor uses this folder."""


@contextmanager
def hold(folder: Path, run: dict[str, Any]) -> Iterator[None]:
    """Lock `folder` and describe the run in its `run.json`; raise `AlreadyRunsError` if it is locked.

    The kernel releases the lock when the last process of the run ends, even by SIGKILL.
    """
    with (folder / RUN_FILE).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunsError(f"already runs in {folder}: {_described(folder)}") from error
        file.truncate(0)
        file.write(json.dumps(run))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def running(folder: Path) -> dict[str, Any]:
    """Return the description of the run in this folder; empty if there is none."""
    try:
        found: dict[str, Any] = json.loads((folder / RUN_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return found


def _described(folder: Path) -> str:
    run = running(folder)
    return f"process {run.get('pid', 'unknown')} serves {run.get('url', 'an unknown address')}"


def secret(folder: Path, name: str = SECRET_FILE) -> Path:
    """Return the file with a generated secret; create it with mode 0600 if it is missing."""
    path = folder / name
    if not path.exists():
        _write(path)
    return path


def new_link(folder: Path) -> str:
    """Write a new token for signing in to the console once, with mode 0600, and return it."""
    return _write(folder / LINK_FILE)


def _write(path: Path) -> str:
    """Write a new token with mode 0600, and return it. A full disk leaves the file as it was."""
    token = secrets.token_hex(32)
    with NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        file.write(token + "\n")
    Path(file.name).replace(path)
    return token
