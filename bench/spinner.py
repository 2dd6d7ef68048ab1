"""A process that only uses CPU, so that a worker has half of its core.

It has the same effect as a second worker on the core: the kernel divides the core between both. With Linux's
autogroup the kernel divides it by sessions first and then by niceness, so the spinner has its own session, as
a worker has, and the niceness of the benchmark. It uses hardly any memory, no disk and no PostgreSQL.

A second worker takes less: it sometimes waits for the database.
"""

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import processes
from bench.delivery import ROOT

# It ends with the context. If the benchmark is killed, it ends on its own.
PROGRAM = """
import os, sys
parent = int(sys.argv[1])
while os.getppid() == parent:
    for _ in range(1_000_000):
        pass
"""


@contextmanager
def spinning(core: frozenset[int], folder: Path) -> Iterator[processes.Process]:
    """Use the CPU of this core until the context ends.

    The output of the process, empty unless it fails, goes to `spinner.log` in `folder`. Its `check`
    raises `ContenderError` if it has ended before.
    """
    # Without `site`, it starts in a few milliseconds.
    command = shlex.join([sys.executable, "-I", "-S", "-c", PROGRAM, str(os.getpid())])
    with processes.running(command, folder / "spinner.log", {}, on=core, cwd=ROOT) as process:
        yield process
