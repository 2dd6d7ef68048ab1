"""`installation_target`: an account that an App is installed on got another login."""

from schemas import Actor, Event
from schemas.organization import Changes


class InstallationTargetEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#installation_target."""

    action: str
    account: Actor
    target_type: str
    changes: Changes | None = None

    @property
    def former_login(self) -> str | None:
        """Return the login that was replaced, where the payload tells it."""
        return self.changes.login.from_ if self.changes and self.changes.login else None
