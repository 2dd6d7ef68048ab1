"""`organization`: an organisation was renamed or deleted, or its members changed."""

from pydantic import Field

from schemas import Account, BigInt, Event, Login, Snapshot


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


class OrganizationEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#organization."""

    foreign = frozenset(
        {"account", "blocked_user", "definition", "personal_access_token_request", "projects_v2",
         "projects_v2_item", "repository", "sponsorship", "target_type", "team"}
    )  # fmt: skip

    action: str
    organization: Organization
    changes: Changes | None = None

    @property
    def former_login(self) -> str | None:
        """Return the login that was replaced, where the payload tells it."""
        return self.changes.login.from_ if self.changes and self.changes.login else None
