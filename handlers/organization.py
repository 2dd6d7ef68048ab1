"""Organisations, their members, and the names of repositories after a rename."""

from handlers import DeliveryContext, on
from handlers._renames import rename_account
from records.models import Organization, OrganizationMember
from schemas.organization import OrganizationEvent


@on(OrganizationEvent)
async def record(event: OrganizationEvent, delivery: DeliveryContext) -> None:
    """Record the organisation, whatever the action, and the member if the event concerns one.

    `renamed` also records an `AccountRename`, and the new login at its repositories, hooks and installations.
    An organisation without an id has no record of its own.
    """
    organization, former = event.organization, event.former_login
    if event.action == "renamed" and organization.login:
        if former is None and organization.id is not None:  # GitHub may leave out the changes
            former = await Organization.objects.login_of(delivery.server, organization.id)
        # Runs before the new login is stored, so that a retry finds the former one again.
        await rename_account(delivery, organization.id, former, organization.login)
    if organization.id is None:
        delivery.note("an organisation without an id")
        return
    row, decision = await Organization.objects.record(event, delivery.server, organization.id, former)
    member = await OrganizationMember.objects.record(event, row["id"])
    if member is not None:
        delivery.note(f"{row['login']}: {event.action} {member[0]['login']} ({member[1].value})")
    elif event.action != "renamed":
        delivery.note(f"{row['login']}: {event.action} ({decision.value})")
