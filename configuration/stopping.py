"""Ends a program whose settings are wrong: one line on stderr that names the variable, and no traceback."""

import multiprocessing
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from django.core.exceptions import ImproperlyConfigured
from environs import EnvError

WRONG = 1
# With WEB_CONCURRENCY uvicorn starts a process again that ends with any other exit status, for ever.
STARTUP_FAILURE = 3


def stop(message: str) -> NoReturn:
    """End the program with exit status 1.

    Neither uvicorn nor arq catches `SystemExit` while it imports the application, so every entry point ends
    in the same way.
    """
    sys.stderr.write(f"hookkeeper: {message}\n")
    raise SystemExit(WRONG if multiprocessing.parent_process() is None else STARTUP_FAILURE)


@contextmanager
def stop_if_wrong() -> Iterator[None]:
    """Stop with the error's message where a setting is wrong."""
    try:
        yield
    except (EnvError, ImproperlyConfigured) as error:
        stop(" ".join(str(error).split()))
