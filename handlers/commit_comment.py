"""Comments on commits."""

from handlers import DeliveryContext, on
from records.models import CommitComment
from schemas.commit_comment import CommitCommentEvent


@on(CommitCommentEvent)
async def record(event: CommitCommentEvent, delivery: DeliveryContext) -> None:
    """Record the comment, whatever the action."""
    row, decision = await CommitComment.objects.record(event, delivery.server)
    delivery.note(f"comment on {row['commit_sha'][:7]} {event.action} ({decision.value})")
