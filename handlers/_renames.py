"""The rename of an account, which the events `organization` and `installation_target` report."""

from handlers._context import DeliveryContext
from records.models import AccountRename, Hook, Installation, Repository


async def rename_account(
    delivery: DeliveryContext, account_id: int | None, former: str | None, now: str
) -> None:
    """Record an `AccountRename`, and the new login at its repositories, hooks and installations."""
    if former is None:
        delivery.note(f"{now}: the payload has no former login")
        return
    count = 0
    if former != now:
        await AccountRename.objects.record(delivery.server, account_id, former, now, delivery.received_at)
        # Follow the new login too: its own rename may have been committed before these rows had it.
        for login in (former, now):
            count += await Repository.objects.follow_owner(delivery.server, login)
            await Hook.objects.follow_organization(delivery.server, login)
            await Installation.objects.follow_account(delivery.server, login)
    delivery.note(f"{former} is {now}: {count} repositories renamed")
