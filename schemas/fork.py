"""`fork`: a repository was forked."""

from schemas import Event, Repository, Timestamp


class Forkee(Repository):
    """The fork. It may never send a delivery of its own."""

    created_at: Timestamp | None = None


class ForkEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#fork."""

    forkee: Forkee
    repository: Repository
