"""`meta`: a hook was deleted. It is the only word of that, and comes to that hook alone."""

from schemas import BigInt, Event
from schemas.ping import Hook


class MetaEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#meta."""

    foreign = frozenset({"zen"})

    action: str
    hook_id: BigInt
    hook: Hook | None = None

    @property
    def links(self) -> tuple[str | None, ...]:
        """Return those of all events, and that of the hook: an App's has no other."""
        return (*super().links, self.hook.url if self.hook else None)
