"""Installations of GitHub Apps, and the repositories that each can access."""

from handlers import DeliveryContext, on
from records.models import Installation
from schemas.installation import InstallationEvent


@on(InstallationEvent)
async def record(event: InstallationEvent, delivery: DeliveryContext) -> None:
    """Record the installation, and an `InstallationRepository` for each that the payload lists."""
    row, decision = await Installation.objects.record(event.installation, delivery.server, event.action)
    count = await Installation.objects.record_repositories(
        event.repositories or (),
        row,
        event.installation,
        removed=event.action == "deleted",
        first=event.action == "created",
    )
    delivery.note(f"{row['account']} {event.action}: {count} repositories ({decision.value})")
