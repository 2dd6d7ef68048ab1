"""The context of a delivery that a handler receives with the payload."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from schemas import GITHUB


@dataclass(frozen=True, slots=True)
class DeliveryContext:
    """One delivery from the view of its handlers, without access to the row and the queue."""

    guid: UUID
    """X-GitHub-Delivery: the same for every hook and every redelivery of the event."""
    hook_id: int
    source: str
    event: str
    received_at: datetime
    attempt: int = 1
    """Starts at 1."""
    installation_id: int | None = None
    server: str = GITHUB
    """Host of the GitHub server. Numeric ids are unique within one server only."""
    notes: list[str] = field(default_factory=list)

    def note(self, recorded: str) -> None:
        """Add a short note on what was recorded to the worker's log line of this delivery."""
        self.notes.append(str(recorded))  # a number would fail the log line, not the handler
