"""Ends a program whose settings are wrong: one line on stderr that names the variable, and exit status 1."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ImproperlyConfigured
from environs import EnvError


@contextmanager
def stop_if_wrong() -> Iterator[None]:
    """Turn a wrong setting into `SystemExit` with its message.

    Python prints the message of `SystemExit` without a traceback and exits with 1. Neither uvicorn nor arq
    catches it while it imports the application, so every entry point ends in the same way.
    """
    try:
        yield
    except (EnvError, ImproperlyConfigured) as error:
        message = " ".join(str(error).split())
        raise SystemExit(f"hookkeeper: {message}") from None
