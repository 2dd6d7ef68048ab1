"""`meta`: a hook was deleted. Only that hook receives the event."""

from typing import Self

from pydantic import model_validator

from schemas._hooks import HookEvent


class MetaEvent(HookEvent):
    """https://docs.github.com/webhooks/webhook-events-and-payloads#meta."""

    foreign = frozenset({"zen"})

    action: str

    @model_validator(mode="after")
    def _has_its_hook(self) -> Self:
        # The header with the id is not signed, and no other part identifies this event.
        if self.own_hook_id is None:
            raise ValueError("a payload of meta has a hook_id or a hook with an id")
        return self
