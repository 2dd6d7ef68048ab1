"""`fork`: somebody made a copy of a repository."""

from schemas import Event, Repository, Timestamp


class Forkee(Repository):
    """The copy. No delivery of its own need ever come."""

    created_at: Timestamp | None = None


class ForkEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#fork."""

    forkee: Forkee
    repository: Repository
