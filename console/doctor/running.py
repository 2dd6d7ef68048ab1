"""Runs checks at the same time, each in a thread of its own and with a limit of time."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from traceback import extract_tb

from django.db import Error, connection
from redis.exceptions import RedisError

from console.doctor.findings import Finding, Status

CHECK_LIMIT = 10.0  # seconds; a connection attempt to the database takes up to five


@dataclass(frozen=True, slots=True)
class Check:
    """A function that looks at one part, and yields what it finds."""

    name: str
    look: Callable[[], Iterable[Finding]]
    limit: float = CHECK_LIMIT
    """Seconds."""


def examine(checks: Sequence[Check]) -> Iterator[Finding]:
    """Start all checks at once; yield their findings in the order of the checks.

    A check that raises or does not end in time is a finding that says so, after what it found until then. Its
    thread is a daemon, so a server that never answers does not keep the process from ending.
    """
    started = [_Run(check) for check in checks]
    for run in started:
        yield from run.findings()


class _Run:
    def __init__(self, check: Check) -> None:
        self._check = check
        self._until = time.monotonic() + check.limit
        self._found: list[Finding] = []
        self._thread = threading.Thread(target=self._look, name=f"doctor-{check.name}", daemon=True)
        self._thread.start()

    def findings(self) -> Sequence[Finding]:
        self._thread.join(max(0.0, self._until - time.monotonic()))
        late = self._thread.is_alive()
        found = list(self._found)
        if late:
            found.append(
                Finding(
                    self._check.name,
                    Status.WRONG,
                    f"did not end within {self._check.limit:.0f} s",
                    "Something accepts connections and does not answer: look at it, and at the network.",
                )
            )
        return found

    def _look(self) -> None:
        try:
            for finding in self._check.look():
                self._found.append(finding)
        except (Error, RedisError, OSError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            self._found.append(Finding(self._check.name, Status.WRONG, f"failed: {reason}", _LOOK))
        except Exception as error:  # noqa: BLE001 - the other checks go on, and this one is reported
            self._found.append(Finding(self._check.name, Status.WRONG, _described(error), _REPORT))
        finally:
            connection.close()


_LOOK = "Look at the part that failed, and run this again."
_REPORT = "This is a fault of the check: report it with this line."


def _described(error: Exception) -> str:
    """Return type and place of an unexpected error, without its message, which may contain a secret."""
    place = extract_tb(error.__traceback__)[-1]
    return f"the check broke: {type(error).__name__} in {place.name}, line {place.lineno}"
