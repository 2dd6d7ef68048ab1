"""Exit statuses, and the end of a process with wrong settings: one line that names the variable."""

import multiprocessing
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from django.core.exceptions import ImproperlyConfigured
from environs import EnvValidationError

# Exit status of a process with wrong settings.
WRONG = 1
# With WEB_CONCURRENCY, uvicorn restarts a process that ends with any other exit status, without a limit.
STARTUP_FAILURE = 3
# Exit status of a command that Ctrl-C ended, as in shells: 128 plus the number of SIGINT.
INTERRUPTED = 130


def stop(message: str) -> NoReturn:
    """End the process with exit status 1, or with `STARTUP_FAILURE` in a child process.

    Neither uvicorn nor arq catches `SystemExit` while it imports the application, so all entry points end
    in the same way.
    """
    sys.stderr.write(f"hookkeeper: {message}\n")
    raise SystemExit(WRONG if multiprocessing.parent_process() is None else STARTUP_FAILURE)


@contextmanager
def stop_if_wrong() -> Iterator[None]:
    """Stop with the message of the error if a setting is wrong."""
    try:
        yield
    except EnvValidationError as error:
        name = str(error).split('"')[1]  # environs begins with `Environment variable "NAME"`
        stop(f"{name} {' '.join(error.error_messages)}")
    except ImproperlyConfigured as error:
        stop(" ".join(str(error).split()))
