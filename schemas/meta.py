"""`meta`: a hook was deleted. Only that hook receives the event."""

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
        """Yield the links of all events, and the hook's: an App's event has no other."""
        yield from super().links
        yield self.hook.url if self.hook else None
