"""The link that signs in once: `make run` writes its token into a file, and the first use removes it."""

import secrets
from ipaddress import ip_address
from pathlib import Path

from django.http import HttpRequest

from configuration.data_folder import LINK_FILE

USER = "local"
_LOOPBACK_NAMES = {"localhost", "127.0.0.1", "::1"}


def take(folder: Path, token: str) -> bool:
    """Return whether this is the token, and remove it: it is good for one sign-in."""
    path = folder / LINK_FILE
    try:
        stored = path.read_text(encoding="ascii").strip()
        if not stored or not secrets.compare_digest(stored.encode(), token.encode()):
            return False
        path.unlink()  # of two requests at the same time, only one removes it
    except (OSError, UnicodeDecodeError):
        return False
    return True


def is_local(request: HttpRequest) -> bool:
    """Return whether both ends are this machine: the address of the client, and the name it asked for."""
    try:
        from_here = ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
    host = request.get_host().rpartition(":")[0] or request.get_host()
    return from_here and host.strip("[]") in _LOOPBACK_NAMES
