"""The parts that `ping` and `meta` share: both are about the hook that receives them."""

from schemas._base import BigInt, Event, Items, Snapshot


class Config(Snapshot):
    """The configuration of the hook; `content_type` is `json` or `form`."""

    content_type: str | None = None


class Hook(Snapshot):
    """The hook and its events; `*` means all events."""

    id: BigInt | None = None
    active: bool | None = None
    events: Items[str | None] | None = None
    config: Config | None = None


class HookEvent(Event):
    """A hook was created or deleted."""

    hook_id: BigInt | None = None
    hook: Hook | None = None

    @property
    def own_hook_id(self) -> int | None:
        """Return the id of the hook, if the payload has it."""
        return self.hook_id or (self.hook.id if self.hook else None)
