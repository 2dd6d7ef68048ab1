"""Collaborators of repositories."""

from handlers import DeliveryContext, on
from records.models import Collaborator
from schemas.member import MemberEvent


@on(MemberEvent)
async def record(event: MemberEvent, delivery: DeliveryContext) -> None:
    """Record the permission of the account, whatever the action."""
    row, decision = await Collaborator.objects.record(event, delivery.server)
    delivery.note(f"{row['login']} {event.action} ({decision.value})")
