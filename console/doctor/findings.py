"""The result of a check. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """How a finding is to be taken."""

    OK = "ok"
    WARNING = "warning"
    """It works, and something should be changed."""
    WRONG = "wrong"
    """Deliveries are lost, refused or not processed, or the check could not tell."""
    SKIPPED = "not checked"
    """Something is missing that this check needs."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked."""

    name: str
    status: Status
    seen: str
    """Free of secrets. It may contain text from outside, so it is made safe where it is shown."""
    advice: str = ""
    """What to do; empty if everything is in order."""

    def as_json(self) -> dict[str, Any]:
        """Return the finding as an object of `manage.py doctor --json`."""
        return {"name": self.name, "status": self.status.value, "seen": self.seen, "advice": self.advice}


def is_in_order(findings: Iterable[Finding]) -> bool:
    """Return whether nothing is wrong. Warnings and checks that were left out do not count."""
    return all(finding.status is not Status.WRONG for finding in findings)
