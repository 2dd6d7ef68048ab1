"""`public`: a private repository was made public."""

from schemas import Event, Repository
from schemas.repository import OTHERS


class PublicEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#public."""

    foreign = OTHERS | {"action", "changes"}

    repository: Repository
