"""`status`: a status of a commit was created."""

from schemas import Event, Repository, Sha
from schemas._statuses import Post


class StatusEvent(Post, Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#status."""

    sha: Sha | None
    """No other event has this part."""
    context: str | None = None
    repository: Repository
