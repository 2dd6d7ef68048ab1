"""Organisations that got another login: the names of their repositories follow."""

from handlers import DeliveryContext, on
from records.models import Repository
from schemas.organization import OrganizationEvent


@on(OrganizationEvent, action="renamed")
async def rename(event: OrganizationEvent, delivery: DeliveryContext) -> None:
    """Give the organisation's repositories their new names."""
    former, now = event.former_login, event.organization.login
    if former is None:
        delivery.note(f"{now}: its former login is not told")
        return
    count = await Repository.objects.rename_owner(delivery.server, former, now, delivery.received_at)
    delivery.note(f"{former} is {now}: {count} repositories renamed")
