"""`ping`: GitHub's greeting to a new hook. An organisation's ping has no repository."""

from collections.abc import Iterator

from schemas import BigInt, Event, Items, Snapshot


class Config(Snapshot):
    """How the hook sends; `content_type` is `json` or `form`."""

    content_type: str | None = None


class Hook(Snapshot):
    """What the hook is configured to send; `*` among the events is all of them."""

    id: BigInt | None = None
    url: str | None = None
    active: bool = True
    events: Items[str | None] | None = None
    config: Config | None = None


class PingEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#ping."""

    zen: str
    """No payload of `meta` has it."""
    hook_id: BigInt | None = None
    hook: Hook | None = None

    @property
    def links(self) -> Iterator[str | None]:
        """Yield those of all events, and that of the hook: an App's ping has no other."""
        yield from super().links
        yield self.hook.url if self.hook else None
