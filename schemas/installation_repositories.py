"""`installation_repositories`: repositories were added to or removed from an installation."""

from typing import Self

from pydantic import model_validator

from schemas import Event, Items, Repository
from schemas.installation import Installation


class InstallationRepositoriesEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#installation_repositories."""

    action: str
    installation: Installation
    repositories_added: Items[Repository | None] | None = None
    repositories_removed: Items[Repository | None] | None = None

    @model_validator(mode="after")
    def _lists_repositories(self) -> Self:
        if self.repositories_added is None and self.repositories_removed is None:
            raise ValueError("only this event has repositories_added or repositories_removed")
        return self
