"""Runs an operation in the process of a command: with progress, until it ends or Ctrl-C cancels it.

The command holds the lease as a worker does, so it needs no worker, and a worker continues the operation of a
command that was killed.
"""

import asyncio
import getpass
import os
import signal
import socket
import threading
from collections.abc import Callable, Mapping
from functools import partial
from secrets import token_hex
from types import FrameType
from typing import Any

from django.core.management.base import CommandError
from django.db import Error

import database
from configuration.stopping import INTERRUPTED
from console import progress
from database import errors, postgresql
from ledger import operations
from ledger.models import Kind, Operation, State
from processing.operation_runner import OperationRunner, Portion
from telemetry import sanitising

STOPPING = "stopping; the next Ctrl-C ends at once"
# Seconds without progress after which it is reported.
REPORT_AFTER = 2.0
# Seconds after the second Ctrl-C in which the process ends by itself.
ENDS_WITHIN = 5.0


def person() -> str:
    """Return who runs this command, as an operation names it."""
    try:
        name = getpass.getuser()
    except (ImportError, KeyError, OSError):  # an account that no system file knows, as in a container
        name = f"uid {os.getuid()}"
    return f"{name}@{socket.gethostname()} (manage.py)"


def process() -> str:
    """Return the name of this process as a holder of leases."""
    return f"manage.py:{socket.gethostname()}:{os.getpid()}:{token_hex(3)}"


async def operate(
    kind: Kind,
    portion: Portion,
    parameters: Mapping[str, Any],
    report: Callable[[str], None],
    what_is_slow: str,
    *,
    rate: float = 0.0,
    estimated: int | None = None,
) -> Operation:
    """Store an operation and run it; return it as it is at the end.

    The first Ctrl-C cancels it after its portion, the next one ends the process. `what_is_slow` is reported
    when there is no progress for a while. Raises `CommandError` if the database fails meanwhile, and
    `django.db.Error` if the operation could not be stored.
    """
    loop = asyncio.get_running_loop()
    runner = OperationRunner(process(), {kind: portion})
    operation = await database.run(
        operations.create, kind, parameters, person(), rate=rate, estimated=estimated, worker=runner.worker
    )
    continued = f"a worker continues operation {operation.pk}, unless it is cancelled in the console"
    cancelling: list[asyncio.Future[bool]] = []

    def interrupted() -> None:
        end_at_next_interrupt(loop)
        report(STOPPING)
        cancelling.append(asyncio.ensure_future(database.run(operations.cancel, operation.pk, person())))

    loop.add_signal_handler(signal.SIGINT, interrupted)
    try:
        with progress.bar(estimated or 0, kind) as advance:
            runner.on_portion = _Watch(advance, partial(report, what_is_slow), loop.time).portion
            await runner.operate(operation)
        await asyncio.gather(*cancelling)
        return await database.run(Operation.objects.get, pk=operation.pk)
    except Error as error:
        raise CommandError(f"{errors.reason(error)}; {continued}") from error
    except asyncio.CancelledError:  # by the second Ctrl-C
        report(continued)
        raise
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def end_at_next_interrupt(loop: asyncio.AbstractEventLoop) -> None:
    """Have the next Ctrl-C end the process without waiting for a database that does not answer."""
    loop.remove_signal_handler(signal.SIGINT)
    signal.signal(signal.SIGINT, _end)


def _end(_number: int, _frame: FrameType | None) -> None:
    # The exception may be lost, or wait for a thread, where the signal interrupts the event loop's own code.
    last = threading.Timer(ENDS_WITHIN, os._exit, [INTERRUPTED])
    last.daemon = True
    last.start()
    postgresql.cut()
    raise KeyboardInterrupt


def require_finished(ended: Operation, stopped: str = "") -> None:
    """Raise `CommandError` unless the operation is finished.

    `stopped` says how a cancelled one is continued.
    """
    if ended.state == State.CANCELLED:
        stopped = stopped or f"resume operation {ended.pk} in the console, or begin again"
        raise CommandError(f"stopped; {stopped}", returncode=INTERRUPTED)
    if ended.state == State.FAILED:
        raise CommandError(f"operation {ended.pk} failed: {sanitising.one_line(ended.error)}")
    if ended.state != State.FINISHED:
        raise CommandError(
            f"interrupted after {ended.processed} items; a worker continues operation {ended.pk}"
        )


class _Watch:
    """Follows the progress of an operation, and reports once that there is none."""

    def __init__(
        self, advance: Callable[[int], None], report: Callable[[], None], clock: Callable[[], float]
    ) -> None:
        self._advance = advance
        self._report = report
        self._clock = clock
        self._processed, self._since = 0, clock()
        self._reported = False

    def portion(self, operation: Operation) -> None:
        """Note what is done after a portion."""
        if operation.processed != self._processed:
            self._processed, self._since = operation.processed, self._clock()
            self._advance(operation.processed)
        elif not self._reported and self._clock() > self._since + REPORT_AFTER:
            self._reported = True
            self._report()
