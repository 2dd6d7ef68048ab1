"""Comments on issues and in the conversations of pull requests."""

from handlers import DeliveryContext, on
from records.models import IssueComment
from schemas.issue_comment import IssueCommentEvent


@on(IssueCommentEvent)
async def record(event: IssueCommentEvent, delivery: DeliveryContext) -> None:
    """Record the comment, whatever the action; `deleted` leaves a tombstone."""
    row, decision = await IssueComment.objects.record(event, delivery.server)
    delivery.note(f"comment on #{row['number']} {event.action} ({decision.value})")
