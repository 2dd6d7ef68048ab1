"""The rename of an account, which the events `organization` and `installation_target` report."""

from handlers._context import DeliveryContext
from records.models import Hook, Installation, Repository


async def rename_account(former: str | None, now: str, delivery: DeliveryContext) -> None:
    """Record the rename and its consequences. The payload may lack the former login."""
    if former is None:
        delivery.note(f"{now}: the payload has no former login")
        return
    count = await Repository.objects.rename_owner(delivery.server, former, now, delivery.received_at)
    await Hook.objects.rename_organization(delivery.server, former, now)
    await Installation.objects.rename_account(delivery.server, former, now)
    delivery.note(f"{former} is {now}: {count} repositories renamed")
