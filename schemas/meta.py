"""`meta`: a hook was deleted. It is the only word of that, and comes to that hook alone."""

from collections.abc import Iterator

from schemas import BigInt, Event
from schemas.ping import Hook


class MetaEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#meta."""

    foreign = frozenset({"zen"})

    action: str
    hook_id: BigInt
    hook: Hook | None = None

    @property
    def links(self) -> Iterator[str | None]:
        """Yield those of all events, and that of the hook: an App's has no other."""
        yield from super().links
        yield self.hook.url if self.hook else None
