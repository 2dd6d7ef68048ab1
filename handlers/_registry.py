"""Which handler wants which event: `@on(IssuesEvent, action="opened")`."""

import inspect
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from handlers._context import DeliveryContext
from schemas import DiscoveryError, Event

TIMEOUT = 30.0  # seconds
MAX_ATTEMPTS = 8

AnyEvent = TypeVar("AnyEvent", bound=Event)
Run = Callable[[AnyEvent, DeliveryContext], Awaitable[None]]
Serialize = Literal["repository", "pull_request", "issue"]


@dataclass(frozen=True, slots=True)
class Handler:
    """A coroutine function, what it wants to see, and how it is run."""

    name: str
    """Module and function, as in `push.record`: it names the handler in the ledger, across restarts."""
    event: type[Event]
    actions: frozenset[str]
    """Empty for all actions."""
    run: Callable[[Any, DeliveryContext], Awaitable[None]]
    timeout: float = TIMEOUT
    max_attempts: int = MAX_ATTEMPTS
    serialize: Serialize | None = None

    def wants(self, event: Event) -> bool:
        """Whether this handler is for this payload."""
        return isinstance(event, self.event) and (not self.actions or event.action in self.actions)


class Registry:
    """Handlers by the name of their event."""

    def __init__(self) -> None:
        self.handlers: dict[str, list[Handler]] = {}

    def on(
        self,
        event: type[AnyEvent],
        *,
        action: str | Collection[str] = (),
        timeout: float = TIMEOUT,
        max_attempts: int = MAX_ATTEMPTS,
        serialize: Serialize | None = None,
    ) -> Callable[[Run[AnyEvent]], Run[AnyEvent]]:
        """Register a coroutine for an event: for all its actions, or for those named.

        One run may take `timeout` seconds, and is made up to `max_attempts` times. With `serialize`, the
        deliveries of one repository, pull request or issue are handled one at a time and in the order of
        their receipt, whatever the number of workers; one that waits for its retry is overtaken.

        Raises `DiscoveryError` for what is not a coroutine function, a name that is taken, limits that are
        not above zero, or an event that does not have what it is to be serialized by.
        """

        def register(run: Run[AnyEvent]) -> Run[AnyEvent]:
            name = f"{run.__module__.rpartition('.')[2]}.{run.__name__}"
            if not inspect.iscoroutinefunction(run):
                raise DiscoveryError(f"the handler {name} must be declared with async def")
            listed = self.handlers.setdefault(event.event, [])
            if any(handler.name == name for handler in listed):
                raise DiscoveryError(f"two handlers of {event.event!r} are named {name}")
            if timeout <= 0 or max_attempts < 1:
                raise DiscoveryError(f"timeout and max_attempts of {name} must be above zero")
            if serialize is not None and serialize not in event.model_fields:
                raise DiscoveryError(f"{event.__name__} has no {serialize} to serialize {name} by")
            actions = frozenset([action] if isinstance(action, str) else action)
            listed.append(Handler(name, event, actions, run, timeout, max_attempts, serialize))
            return run

        return register

    def wanting(self, event: Event, name: str) -> list[Handler]:
        """The handlers that want this payload of the event `name`, in the order of their registration."""
        return [handler for handler in self.handlers.get(name, ()) if handler.wants(event)]

    def serialized(self) -> list[Handler]:
        """The handlers that take turns."""
        return [handler for listed in self.handlers.values() for handler in listed if handler.serialize]

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
