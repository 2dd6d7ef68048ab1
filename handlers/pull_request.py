"""Pull requests: the state that the newest snapshot shows."""

from handlers import DeliveryContext, on
from records.models import PullRequest
from schemas.pull_request import PullRequestEvent


@on(PullRequestEvent)
async def record(event: PullRequestEvent, delivery: DeliveryContext) -> None:
    """Record the pull request, whatever the action: each carries the whole state after it."""
    row, decision = await PullRequest.objects.record(event, delivery.server)
    delivery.note(f"#{row['number']} {event.action}: {row['state']} ({decision.value})")
