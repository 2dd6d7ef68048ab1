"""`ping`: a hook was created. A ping of an organisation's hook has no repository."""

from typing import Self

from pydantic import model_validator

from schemas._hooks import HookEvent


class PingEvent(HookEvent):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#ping."""

    foreign = frozenset({"action"})

    zen: str | None = None

    @model_validator(mode="after")
    def _is_a_ping(self) -> Self:
        # Only `meta` has a hook too, and it has an action.
        if self.zen is None and self.own_hook_id is None:
            raise ValueError("a payload of ping has zen, a hook_id or a hook with an id")
        return self
