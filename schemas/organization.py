"""`organization`: an organisation was renamed or deleted, or its members changed."""

from pydantic import Field

from schemas import Account, BigInt, Event, Login, Snapshot
from schemas._people import Person


class Organization(Account):
    """The organisation after the event."""

    id: BigInt
    login: Login


class FormerLogin(Snapshot):
    """A login before a rename."""

    from_: Login | None = Field(None, alias="from")


class Changes(Snapshot):
    """What `renamed` replaced."""

    login: FormerLogin | None = None


class Membership(Snapshot):
    """What a member is in the organisation; one who was invited and is not yet in it is `pending`."""

    user: Person
    role: str | None = None
    state: str | None = None


class Invitation(Snapshot):
    """What an account is asked to become."""

    role: str | None = None


class OrganizationEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#organization."""

    foreign = frozenset(
        {"account", "blocked_user", "definition", "personal_access_token_request", "projects_v2",
         "projects_v2_item", "repository", "sponsorship", "target_type", "team"}
    )  # fmt: skip

    action: str
    organization: Organization
    changes: Changes | None = None
    membership: Membership | None = None
    invitation: Invitation | None = None
    user: Person | None = None
    """Who was invited; null for an address without an account."""

    @property
    def former_login(self) -> str | None:
        """Return the login that was replaced, where the payload tells it."""
        return self.changes.login.from_ if self.changes and self.changes.login else None
