"""Accounts that got another login, as an App on them is told: the names of their repositories follow."""

from handlers import DeliveryContext, on
from records.models import Repository
from schemas.installation_target import InstallationTargetEvent


@on(InstallationTargetEvent, action="renamed")
async def rename(event: InstallationTargetEvent, delivery: DeliveryContext) -> None:
    """Give the account's repositories their new names."""
    former, now = event.former_login, event.account.login
    if former is None:
        delivery.note(f"{now}: its former login is not told")
        return
    count = await Repository.objects.rename_owner(delivery.server, former, now, delivery.received_at)
    delivery.note(f"{former} is {now}: {count} repositories renamed")
