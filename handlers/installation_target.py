"""Renames of accounts that a GitHub App is installed on, and the names of their repositories."""

from handlers import DeliveryContext, on
from handlers._renames import rename_account
from schemas.installation_target import InstallationTargetEvent


@on(InstallationTargetEvent, action="renamed")
async def rename(event: InstallationTargetEvent, delivery: DeliveryContext) -> None:
    """Record an `AccountRename`, and the new login at its repositories, hooks and installations."""
    account = event.account
    if account.login is None:
        delivery.note("an account without a login")
        return
    await rename_account(delivery, account.id, event.former_login, account.login)
