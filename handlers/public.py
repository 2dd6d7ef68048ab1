"""Private repositories that were made public."""

from handlers import DeliveryContext, on
from records.models import Repository
from schemas.public import PublicEvent


@on(PublicEvent)
async def record(event: PublicEvent, delivery: DeliveryContext) -> None:
    """Record the repository, which the payload shows as public."""
    _, decision = await Repository.objects.record(event.repository, delivery.server, action="publicized")
    delivery.note(f"{event.repository.full_name} is public ({decision.value})")
