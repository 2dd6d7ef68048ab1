"""`ping`: a hook was created. A ping of an organisation's hook has no repository."""

from collections.abc import Iterator

from schemas import BigInt, Event, Items, Snapshot


class Config(Snapshot):
    """The configuration of the hook; `content_type` is `json` or `form`."""

    content_type: str | None = None


class Hook(Snapshot):
    """The hook and its events; `*` means all events."""

    id: BigInt | None = None
    url: str | None = None
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
    def links(self) -> Iterator[str | None]:
        """Yield the links of all events, and the hook's: an App's ping has no other."""
        yield from super().links
        yield self.hook.url if self.hook else None
