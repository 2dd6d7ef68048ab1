"""The log line of a delivery: its words, their order, and their bounds, as text and as fields."""

import time
from collections.abc import Mapping

from processing.claiming import Claimed
from processing.running import Verdict
from telemetry.sanitising import one_line

# Characters of a line and of a part of it, and how many notes of handlers it has.
LONGEST_LINE = 1_000
LONGEST_REASON = 500
NOTES = 20


class LogLine:
    """The line of an attempt that was settled just now."""

    def __init__(self, claimed: Claimed, verdict: Verdict) -> None:
        self.delivery = claimed.delivery
        self._verdict = verdict
        self._milliseconds = (time.monotonic() - claimed.began) * 1000
        self._noted = ", ".join([note[:LONGEST_REASON] for note in verdict.notes[:NOTES]])[:LONGEST_REASON]

    def __str__(self) -> str:
        delivery, verdict = self.delivery, self._verdict
        parts = (
            f"{delivery.event}.{delivery.action}" if delivery.action else delivery.event,
            delivery.repository or "(no repository)",
            self._noted,
            verdict.status.value,
            verdict.error[:LONGEST_REASON],
            "" if verdict.retry_after is None else f"again in {verdict.retry_after:.1f} s",
            f"{self._milliseconds:.0f} ms",
            str(delivery.guid),
        )
        return one_line(" | ".join(filter(None, parts)), LONGEST_LINE)

    @property
    def log_fields(self) -> Mapping[str, object]:
        """The fields in JSON, beside those of the delivery."""
        return {
            "status": self._verdict.status.value,
            "milliseconds": round(self._milliseconds, 1),
            "notes": self._noted,
            "error": self._verdict.error,
            "retry_in": self._verdict.retry_after,
        }
