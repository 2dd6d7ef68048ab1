"""`public`: a private repository was made public."""

from schemas import Repository
from schemas._parts import PARTS, PartlessEvent


class PublicEvent(PartlessEvent):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#public."""

    foreign = PARTS | {"action", "changes"}

    repository: Repository
