"""`ping`: a hook was created. A ping of an organisation's hook has no repository."""

from schemas._hooks import HookEvent


class PingEvent(HookEvent):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#ping."""

    zen: str | None
    """Payloads of `meta` do not have it."""
