"""`organization`: an organisation was renamed or deleted, or its members changed."""

from schemas import Account, BigInt, Login, Snapshot
from schemas._people import AccountEvent, Person


class Organization(Account):
    """The organisation after the event."""

    id: BigInt
    login: Login


class Membership(Snapshot):
    """A membership; it is `pending` until the invitation is accepted."""

    user: Person
    role: str | None = None
    state: str | None = None


class Invitation(Snapshot):
    """The invitation of an account, with the offered role."""

    role: str | None = None


class OrganizationEvent(AccountEvent):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#organization."""

    foreign = frozenset(
        {"account", "blocked_user", "definition", "personal_access_token_request", "projects_v2",
         "projects_v2_item", "repository", "sponsorship", "target_type", "team"}
    )  # fmt: skip

    action: str
    organization: Organization
    membership: Membership | None = None
    invitation: Invitation | None = None
    user: Person | None = None
    """The invited account; null for an email address without an account."""
