"""Organisations and their members; when one gets another login, the names of its repositories follow."""

from handlers import DeliveryContext, on
from records.models import Organization, OrganizationMember, Repository
from schemas.organization import OrganizationEvent


@on(OrganizationEvent)
async def record(event: OrganizationEvent, delivery: DeliveryContext) -> None:
    """Write down the organisation, whatever the action, and the member where the event is about one."""
    row, decision = await Organization.objects.record(event, delivery.server)
    member = await OrganizationMember.objects.record(event, row["id"])
    if member is not None:
        delivery.note(f"{row['login']}: {event.action} {member[0]['login']} ({member[1].value})")
    elif event.action != "renamed":  # which the other handler notes
        delivery.note(f"{row['login']}: {event.action} ({decision.value})")


@on(OrganizationEvent, action="renamed")
async def rename(event: OrganizationEvent, delivery: DeliveryContext) -> None:
    """Give the organisation's repositories their new names."""
    former, now = event.former_login, event.organization.login
    if former is None:
        delivery.note(f"{now}: its former login is not told")
        return
    count = await Repository.objects.rename_owner(delivery.server, former, now, delivery.received_at)
    delivery.note(f"{former} is {now}: {count} repositories renamed")
