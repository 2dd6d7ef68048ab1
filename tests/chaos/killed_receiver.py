"""The receiver, which kills itself between a commit and its wake-up: at wake-up number KILL_AT, from 1."""

import os
import signal

from receiver.asgi import application  # first, for it sets Django up

# isort: split
from receiver.queue import Wakeups
from receiver.store import Stored

__all__ = ["application"]

_left = int(os.environ["KILL_AT"])
_wake = Wakeups.wake


def wake(self: Wakeups, stored: Stored) -> None:
    """Do what `Wakeups.wake` does, or end by SIGKILL."""
    global _left  # noqa: PLW0603 - the process counts, whatever loop it is
    _left -= 1
    if not _left:
        os.kill(os.getpid(), signal.SIGKILL)
    _wake(self, stored)


Wakeups.wake = wake  # type: ignore[method-assign]
