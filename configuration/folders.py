"""Checks of the folders that settings name, without creating them."""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def usable(folder: Path, variable: str) -> Path:
    """Return the folder; raises `ImproperlyConfigured` when it can be neither used nor created.

    A folder that does not exist yet is created by what writes into it: `make run` and `manage.py migrate`.
    """
    try:
        str(folder).encode()
    except UnicodeEncodeError:
        raise ImproperlyConfigured(f"{variable}: the path is not UTF-8 text.") from None
    try:
        nearest = next(path for path in (folder, *folder.parents) if path.exists())
    except OSError as error:  # such as a name that is too long, or a folder that may not be entered
        raise ImproperlyConfigured(f"{variable}: the folder cannot be used: {error.strerror}.") from None
    if not nearest.is_dir():
        raise ImproperlyConfigured(f"{variable}: the folder cannot be used: its path leads through a file.")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise ImproperlyConfigured(f"{variable}: the folder cannot be used: no permission to write there.")
    return folder
