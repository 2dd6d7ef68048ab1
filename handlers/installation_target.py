"""Renames of accounts that a GitHub App is installed on, and the names of their repositories."""

from handlers import DeliveryContext, on
from handlers._renames import rename_account
from schemas.installation_target import InstallationTargetEvent


@on(InstallationTargetEvent, action="renamed")
async def rename(event: InstallationTargetEvent, delivery: DeliveryContext) -> None:
    """Record an `AccountRename`, and the new login at its repositories, hooks and installations."""
    await rename_account(event.former_login, event.account.login, delivery)
