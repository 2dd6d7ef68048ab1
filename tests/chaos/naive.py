"""A handler that writes row by row with Django's asynchronous ORM."""

from handlers import DeliveryContext, on
from records.models import Issue, Repository
from schemas.push import PushEvent


# A hundred of them share one connection to SQLite, also on a busy machine.
@on(PushEvent, max_attempts=2, timeout=600)
async def write(event: PushEvent, delivery: DeliveryContext) -> None:
    repository, _ = await Repository.objects.aget_or_create(
        server=delivery.server,
        github_id=event.repository.id,
        defaults={"full_name": event.repository.full_name or ""},
    )
    for position, commit in enumerate(filter(None, event.commits or ())):
        await Issue.objects.aupdate_or_create(
            repository=repository,
            number=int(event.ref.rpartition("/")[2]) * 100 + position,
            defaults={"title": commit.message or "", "state": "open", "updated_at": delivery.received_at},
        )
