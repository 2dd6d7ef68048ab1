"""Repositories: created, renamed, transferred, archived, made private, deleted."""

from handlers import DeliveryContext, on
from records.models import Repository
from schemas.repository import RepositoryEvent


@on(RepositoryEvent)
async def record(event: RepositoryEvent, delivery: DeliveryContext) -> None:
    """Record the repository; `deleted` leaves a tombstone."""
    _, decision = await Repository.objects.record(
        event.repository,
        delivery.server,
        action=event.action,
        former_owner=event.former_owner,
        former_name=event.former_name,
        former_branch=event.changes.default_branch if event.changes else None,
    )
    delivery.note(f"{event.action}: {event.repository.full_name} ({decision.value})")
