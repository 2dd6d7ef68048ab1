"""A process that burns CPU and does nothing else, so that a worker has half of its core.

It is what the first of two workers has in the second: somebody on the same core who wants all of it. The
kernel divides the core between the two. It divides it by sessions first where it groups processes by them
(Linux's autogroup), and by niceness within; so the spinner is, as a worker is, a session of its own with the
niceness of the benchmark. It touches neither memory to speak of nor the disk, and asks nothing of PostgreSQL.

A second worker is a milder neighbour: it waits for the database at times, and leaves the core to the first.
"""

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import processes
from bench.delivery import ROOT

# It ends with the context; and should the benchmark be killed, so that no context ends, it ends by itself.
PROGRAM = """
import os, sys
parent = int(sys.argv[1])
while os.getppid() == parent:
    for _ in range(1_000_000):
        pass
"""


@contextmanager
def spinning(core: frozenset[int], folder: Path) -> Iterator[processes.Process]:
    """Burn CPU on this core until the context ends, in whatever way it ends.

    What the process says, which is nothing unless it fails, goes to `spinner.log` in `folder`. Its `check`
    raises `ContenderError` when it has ended before.
    """
    # Without `site` it starts in a few milliseconds.
    command = shlex.join([sys.executable, "-I", "-S", "-c", PROGRAM, str(os.getpid())])
    with processes.running(command, folder / "spinner.log", {}, on=core, cwd=ROOT) as process:
        yield process
