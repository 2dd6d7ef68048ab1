"""`organization`: an organisation was renamed or deleted, or its members changed."""

from typing import Self

from pydantic import model_validator

import schemas
from schemas import Login, Snapshot
from schemas._parts import PARTS, PartlessEvent
from schemas._people import AccountEvent, Person


class Organization(schemas.Organization):
    """The organisation after the event."""

    login: Login | None = None


class Membership(Snapshot):
    """A membership; it is `pending` until the invitation is accepted."""

    user: Person
    role: str | None = None
    state: str | None = None


class Invitation(Snapshot):
    """The invitation of an account, with the offered role."""

    role: str | None = None


# The event `user` of a server reports accounts.
ACTIONS_OF_USER = frozenset({"created", "deleted"})


class OrganizationEvent(PartlessEvent, AccountEvent):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#organization."""

    foreign = (PARTS - {"invitation", "membership", "user"}) | {"repository"}

    action: str
    organization: Organization
    membership: Membership | None = None
    invitation: Invitation | None = None
    user: Person | None = None
    """The invited account; null for an email address without an account."""

    @model_validator(mode="after")
    def _is_not_of_its_user(self) -> Self:
        if self.user is not None and self.action in ACTIONS_OF_USER:
            raise ValueError("no payload of organization has this action and a user: it is of another event")
        return self
