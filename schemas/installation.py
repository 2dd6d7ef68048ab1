"""`installation`: a GitHub App was installed, removed, suspended, or got other permissions."""

from typing import Self

from pydantic import model_validator

from schemas import BigInt, Event, Items, Repository, Snapshot, Timestamp
from schemas._parts import PARTS


class InstalledOn(Snapshot):
    """The account that has the App: an enterprise has a slug and no login."""

    id: BigInt | None = None
    login: str | None = None
    slug: str | None = None


class Installation(Snapshot):
    """The snapshot of an installation. Other events contain only its id, which `DeliveryContext` has."""

    id: BigInt
    account: InstalledOn | None = None
    app_id: BigInt | None = None
    app_slug: str | None = None
    target_type: str | None = None
    repository_selection: str | None = None
    permissions: dict[str, object] | None = None
    events: Items[str | None] | None = None
    suspended_at: Timestamp | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None

    @property
    def readable_permissions(self) -> dict[str, str] | None:
        """Return the permissions whose levels can be read, if the payload has any."""
        if self.permissions is None:
            return None
        return {name: level for name, level in self.permissions.items() if isinstance(level, str)}


class InstallationEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#installation."""

    foreign = PARTS - {"repositories", "requester"}

    action: str
    installation: Installation
    repositories: Items[Repository | None] | None = None

    @model_validator(mode="after")
    def _is_about_an_installation(self) -> Self:
        whole = (self.installation.account, self.installation.app_id) != (None, None)
        if not whole and self.repositories is None:
            raise ValueError("other events have no repositories, and of an installation only the id")
        return self
