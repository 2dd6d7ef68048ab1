"""`ping`: GitHub's greeting to a new hook. An organisation's ping has no repository."""

from schemas import BigInt, Event


class PingEvent(Event):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#ping."""

    zen: str | None = None
    hook_id: BigInt | None = None
