"""Which handler wants which event: `@on(IssuesEvent, action="opened")`."""

import inspect
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from handlers._context import DeliveryContext
from schemas import DiscoveryError, Event

AnyEvent = TypeVar("AnyEvent", bound=Event)
Run = Callable[[AnyEvent, DeliveryContext], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Handler:
    """A coroutine function, and what it wants to see."""

    name: str
    """Module and function, as in `push.record`: it names the handler in the ledger, across restarts."""
    event: type[Event]
    actions: frozenset[str]
    """Empty for all actions."""
    run: Callable[[Any, DeliveryContext], Awaitable[None]]

    def wants(self, event: Event) -> bool:
        """Whether this handler is for this payload."""
        return isinstance(event, self.event) and (not self.actions or event.action in self.actions)


class Registry:
    """Handlers by the name of their event."""

    def __init__(self) -> None:
        self.handlers: dict[str, list[Handler]] = {}

    def on(
        self, event: type[AnyEvent], *, action: str | Collection[str] = ()
    ) -> Callable[[Run[AnyEvent]], Run[AnyEvent]]:
        """Register a coroutine for an event: for all its actions, or for those named.

        Raises `DiscoveryError` for what is not a coroutine function, and for a name that is taken.
        """

        def register(run: Run[AnyEvent]) -> Run[AnyEvent]:
            name = f"{run.__module__.rpartition('.')[2]}.{run.__name__}"
            if not inspect.iscoroutinefunction(run):
                raise DiscoveryError(f"the handler {name} must be declared with async def")
            listed = self.handlers.setdefault(event.event, [])
            if any(handler.name == name for handler in listed):
                raise DiscoveryError(f"two handlers of {event.event!r} are named {name}")
            actions = frozenset([action] if isinstance(action, str) else action)
            listed.append(Handler(name, event, actions, run))
            return run

        return register

    def wanting(self, event: Event, name: str) -> list[Handler]:
        """The handlers that want this payload of the event `name`, in the order of their registration."""
        return [handler for handler in self.handlers.get(name, ()) if handler.wants(event)]

    def check(self, events: Mapping[str, type[Event]]) -> None:
        """Raise `DiscoveryError` for a handler of an event that no file of `schemas/` defines."""
        for name, listed in self.handlers.items():
            for handler in listed:
                if events.get(name) is not handler.event:
                    raise DiscoveryError(
                        f"the handler {handler.name} is for {handler.event.__name__}, which is not the event "
                        f"of schemas/{name}.py"
                    )


registry = Registry()
"""The handlers of this program, filled when the modules of `handlers/` are imported."""

on = registry.on
