"""Renames of accounts that a GitHub App is installed on, and the names of their repositories."""

from handlers import DeliveryContext, on
from records.models import Hook, Installation, Repository
from schemas.installation_target import InstallationTargetEvent


@on(InstallationTargetEvent, action="renamed")
async def rename(event: InstallationTargetEvent, delivery: DeliveryContext) -> None:
    """Record an `AccountRename`, and the new login at its repositories, hooks and installations."""
    former, now = event.former_login, event.account.login
    if former is None:
        delivery.note(f"{now}: the payload has no former login")
        return
    count = await Repository.objects.rename_owner(delivery.server, former, now, delivery.received_at)
    await Hook.objects.rename_organization(delivery.server, former, now)
    await Installation.objects.rename_account(delivery.server, former, now)
    delivery.note(f"{former} is {now}: {count} repositories renamed")
