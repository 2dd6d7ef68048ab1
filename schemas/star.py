"""`star`: the sender starred a repository, or took the star back."""

from schemas import Event, Repository, Timestamp
from schemas._people import Person


class StarEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#star."""

    action: str
    starred_at: Timestamp | None
    """Null when the star was taken back; no other event has this part."""
    sender: Person | None = None
    repository: Repository
