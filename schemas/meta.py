"""`meta`: a hook was deleted. Only that hook receives the event."""

from schemas import BigInt, Event
from schemas.ping import Hook


class MetaEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#meta."""

    foreign = frozenset({"zen"})

    action: str
    hook_id: BigInt
    hook: Hook | None = None

    @property
    def own_hook_id(self) -> int:
        """Return the id of the hook."""
        return self.hook_id
