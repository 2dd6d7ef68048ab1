"""Checks of the folders that settings name, without creating them."""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def usable(folder: Path, variable: str) -> Path:
    """Return the folder; raise `ImproperlyConfigured` if it can be neither used nor created.

    `make run` and `manage.py migrate` create a folder that does not exist.
    """
    try:
        str(folder).encode()
    except UnicodeEncodeError:
        raise ImproperlyConfigured(f"{variable}: the path is not UTF-8 text.") from None
    try:
        nearest = next(path for path in (folder, *folder.parents) if path.exists())
    except OSError as error:  # such as a name that is too long, or a folder without permission to enter
        raise ImproperlyConfigured(f"{variable}: the folder cannot be used: {error.strerror}.") from None
    if not nearest.is_dir():
        raise ImproperlyConfigured(f"{variable}: the folder cannot be used: its path leads through a file.")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise ImproperlyConfigured(f"{variable}: the folder cannot be used: no permission to write there.")
    return folder
