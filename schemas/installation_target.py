"""`installation_target`: an account with an installed App was renamed."""

from schemas import Login, Snapshot
from schemas._people import AccountEvent


class Target(Snapshot):
    """The account after the event."""

    login: Login


class InstallationTargetEvent(AccountEvent):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#installation_target."""

    action: str
    account: Target
    target_type: str
