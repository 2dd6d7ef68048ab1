"""`repository`: a repository was created, renamed, transferred, archived, made private or deleted."""

from schemas import Event, Repository


class RepositoryEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#repository."""

    action: str
    repository: Repository
