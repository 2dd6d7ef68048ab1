"""`ping`: GitHub's greeting to a new hook. An organisation's ping has no repository."""

from schemas import Actor, BigInt, Event, Items, Snapshot


class Config(Snapshot):
    """How the hook sends; `content_type` is `json` or `form`."""

    content_type: str | None = None


class Hook(Snapshot):
    """What the hook is configured to send; `*` among the events is all of them."""

    id: BigInt | None = None
    active: bool = True
    events: Items[str] = ()
    config: Config | None = None


class PingEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#ping."""

    zen: str | None = None
    hook_id: BigInt | None = None
    hook: Hook | None = None
    organization: Actor | None = None
