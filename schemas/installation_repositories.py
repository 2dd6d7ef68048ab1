"""`installation_repositories`: repositories were added to or removed from an installation."""

from schemas import Event, Items, Repository
from schemas.installation import Installation


class InstallationRepositoriesEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#installation_repositories."""

    action: str
    installation: Installation
    repositories_added: Items[Repository | None] | None
    """No other event has this part."""
    repositories_removed: Items[Repository | None] | None = None
