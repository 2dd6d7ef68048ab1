"""Issues: the state that the newest snapshot shows."""

from handlers import DeliveryContext, on
from records.models import Issue, PullRequest
from schemas.issues import IssuesEvent


@on(IssuesEvent)
async def record(event: IssuesEvent, delivery: DeliveryContext) -> None:
    """Record the issue or pull request; an issue that was deleted or transferred leaves a tombstone."""
    pull = event.of_pull_request
    recorded = PullRequest.objects.record(pull, delivery.server) if pull else None
    row, decision = await (recorded or Issue.objects.record(event, delivery.server))
    delivery.note(f"#{row['number']} {event.action}: {row['state']} ({decision.value})")
