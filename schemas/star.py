"""`star`: the sender starred or unstarred a repository."""

from schemas import Event, Repository, Timestamp
from schemas._people import Person


class StarEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#star."""

    action: str
    starred_at: Timestamp | None
    """Null after the star was removed. Only this event has this part."""
    sender: Person | None = None
    repository: Repository
