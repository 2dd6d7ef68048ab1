"""`installation_target`: an account with an installed App was renamed."""

from schemas import BigInt, Login, Snapshot
from schemas._people import AccountEvent


class Target(Snapshot):
    """The account after the event."""

    id: BigInt | None = None
    login: Login | None = None
    """An enterprise has a slug instead."""


class InstallationTargetEvent(AccountEvent):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#installation_target."""

    action: str
    account: Target
    target_type: str | None = None
