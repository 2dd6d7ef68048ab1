"""`installation_target`: an account with an installed App was renamed."""

from schemas import Event, Login, Snapshot
from schemas.organization import Changes


class Target(Snapshot):
    """The account after the event."""

    login: Login


class InstallationTargetEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#installation_target."""

    action: str
    account: Target
    target_type: str
    changes: Changes | None = None

    @property
    def former_login(self) -> str | None:
        """Return the replaced login, if the payload has it."""
        return self.changes.login.from_ if self.changes and self.changes.login else None
