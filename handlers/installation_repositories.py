"""Repositories that a GitHub App sees, or no longer does."""

from handlers import DeliveryContext, on
from records.models import Installation
from schemas.installation_repositories import InstallationRepositoriesEvent


@on(InstallationRepositoriesEvent)
async def record(event: InstallationRepositoriesEvent, delivery: DeliveryContext) -> None:
    """Write down the installation, and what it sees more and less."""
    told = event.installation
    row, _ = await Installation.objects.record(told, delivery.server, event.action)
    counts = [
        await Installation.objects.record_repositories(listed or (), row, told, removed=removed)
        for listed, removed in ((event.repositories_added, False), (event.repositories_removed, True))
    ]
    delivery.note("{}: {} repositories more, {} less".format(row["account"], *counts))
