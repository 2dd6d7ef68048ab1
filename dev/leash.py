"""Runs one shell command, and kills it with SIGKILL when the supervisor has ended.

`python leash.py COMMAND` must be the leader of a process group, with a pipe as stdin. Only the supervisor has
the other end of the pipe, and the kernel closes it even after SIGKILL. This also works on macOS, which has no
PR_SET_PDEATHSIG.
"""

import os
import signal
import subprocess
import sys
import threading


def _watch(supervisors_child: int) -> None:
    """Wait for the end of stdin, then kill the whole group.

    The parent is honcho's process for the command. It is killed first, because it may wait forever for the
    supervisor to read its messages.
    """
    os.read(sys.stdin.fileno(), 1)
    if os.getppid() == supervisors_child:
        os.kill(supervisors_child, signal.SIGKILL)
    os.killpg(0, signal.SIGKILL)


def main(command: str) -> int:
    """Run the command and return its exit code: 128 plus the signal's number when a signal ended it."""
    # The supervisor signals the whole group, and the command decides when it ends. The command does not
    # inherit a handler, as it would inherit SIG_IGN.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    watching = threading.Thread(target=_watch, args=(os.getppid(),), daemon=True)
    child = subprocess.Popen(command, shell=True, stdin=subprocess.DEVNULL)
    watching.start()
    code = child.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
