"""Organisations, their members, and the names of repositories after a rename."""

from handlers import DeliveryContext, on
from handlers._renames import rename_account
from records.models import Organization, OrganizationMember
from schemas.organization import OrganizationEvent


@on(OrganizationEvent)
async def record(event: OrganizationEvent, delivery: DeliveryContext) -> None:
    """Record the organisation, whatever the action, and the member if the event concerns one."""
    row, decision = await Organization.objects.record(event, delivery.server)
    member = await OrganizationMember.objects.record(event, row["id"])
    if member is not None:
        delivery.note(f"{row['login']}: {event.action} {member[0]['login']} ({member[1].value})")
    elif event.action != "renamed":  # the handler `rename` adds that note
        delivery.note(f"{row['login']}: {event.action} ({decision.value})")


@on(OrganizationEvent, action="renamed")
async def rename(event: OrganizationEvent, delivery: DeliveryContext) -> None:
    """Record an `AccountRename`, and the new login at its repositories, hooks and installations."""
    await rename_account(event.former_login, event.organization.login, delivery)
