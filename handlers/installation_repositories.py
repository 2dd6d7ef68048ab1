"""Repositories that were added to or removed from an installation of a GitHub App."""

from handlers import DeliveryContext, on
from records.models import Installation
from schemas.installation_repositories import InstallationRepositoriesEvent


@on(InstallationRepositoriesEvent)
async def record(event: InstallationRepositoriesEvent, delivery: DeliveryContext) -> None:
    """Record the installation, and an `InstallationRepository` for each added or removed one."""
    installation = event.installation
    row, _ = await Installation.objects.record(installation, delivery.server, event.action)
    counts = [
        await Installation.objects.record_repositories(listed or (), row, installation, removed=removed)
        for listed, removed in ((event.repositories_added, False), (event.repositories_removed, True))
    ]
    delivery.note("{}: {} repositories more, {} less".format(row["account"], *counts))
