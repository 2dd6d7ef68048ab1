"""`ping`: a hook was created. A ping of an organisation's hook has no repository."""

from schemas import BigInt, Event, Items, Snapshot


class Config(Snapshot):
    """The configuration of the hook; `content_type` is `json` or `form`."""

    content_type: str | None = None


class Hook(Snapshot):
    """The hook and its events; `*` means all events."""

    id: BigInt | None = None
    active: bool = True
    events: Items[str | None] | None = None
    config: Config | None = None


class PingEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#ping."""

    zen: str
    """Payloads of `meta` do not have it."""
    hook_id: BigInt | None = None
    hook: Hook | None = None

    @property
    def own_hook_id(self) -> int | None:
        """Return the id of the hook, if the payload has it."""
        return self.hook_id or (self.hook.id if self.hook else None)
