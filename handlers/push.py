"""Pushes: moves of refs and their commits."""

from handlers import DeliveryContext, on
from records.models import Push
from schemas.push import PushEvent


@on(PushEvent)
async def record(event: PushEvent, delivery: DeliveryContext) -> None:
    """Record the push, its `Commit` and `PushCommit` rows, and the new position of the `Ref`."""
    recorded = await Push.objects.record(event, delivery.server, delivery.received_at)
    name = event.ref.removeprefix("refs/heads/")
    if event.deletes:
        delivery.note(f"{name} deleted")
    else:
        verb = "forced to" if event.forced else "created with" if event.creates else "pushed with"
        rest = ", perhaps not all that there were" if recorded.truncated else ""
        delivery.note(f"{name} {verb} {len(event.commits or ())} commits, {recorded.new} of them new{rest}")
    if undated := len([one for one in event.commits or () if one is not None and one.timestamp is None]):
        delivery.note(f"{undated} commits without a readable time")
