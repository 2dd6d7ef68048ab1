"""The registry of handlers by event: `@on(IssuesEvent, action="opened")`."""

import importlib
import inspect
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

import schemas
from handlers._context import DeliveryContext
from schemas import DiscoveryError, Event

DEFAULT_TIMEOUT = 30.0  # seconds of one run
LONGEST_TIMEOUT = 86_400.0  # seconds; faulthandler, which ends an isolated run, does not take infinity
MAX_ATTEMPTS = 8  # runs of a handler that fails

AnyEvent = TypeVar("AnyEvent", bound=Event)
Run = Callable[[AnyEvent, DeliveryContext], Awaitable[None]]
Serialize = Literal["repository", "pull_request", "issue"]


@dataclass(frozen=True, slots=True)
class Handler:
    """A coroutine function, its filter, and its limits."""

    name: str
    """Module and function, as in `push.record`: the key of the handler in the ledger."""
    event: type[Event]
    actions: frozenset[str]
    """Empty for all actions."""
    run: Callable[[Any, DeliveryContext], Awaitable[object]]
    timeout: float = DEFAULT_TIMEOUT
    max_attempts: int = MAX_ATTEMPTS
    serialize: Serialize | None = None

    def wants(self, event: Event) -> bool:
        """Return whether this handler accepts the payload."""
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
        timeout: float = DEFAULT_TIMEOUT,
        max_attempts: int = MAX_ATTEMPTS,
        serialize: Serialize | None = None,
    ) -> Callable[[Run[AnyEvent]], Run[AnyEvent]]:
        """Register a coroutine for an event: for all its actions, or for those named.

        A run may take `timeout` seconds, and a failing handler runs up to `max_attempts` times. With
        `serialize`, deliveries of one repository, pull request or issue are handled one at a time in the
        order of receipt, with any number of workers. The next ones overtake a delivery that waits for its
        retry.

        Raises `DiscoveryError` for `@on` without an event, a function that is not a coroutine function of an
        event and a delivery, a duplicate name, limits that are not above zero, a timeout of more than a day,
        an action of an event whose schema declares none, or an event without the part to serialize by.
        """
        if not (isinstance(event, type) and issubclass(event, Event) and event is not Event):
            raise DiscoveryError(f"write @on(PushEvent), with an event of schemas/, not with {event!r}")

        def register(run: Run[AnyEvent]) -> Run[AnyEvent]:
            name = f"{run.__module__.rpartition('.')[2]}.{run.__name__}"
            if not inspect.iscoroutinefunction(run):
                raise DiscoveryError(f"the handler {name} must be declared with async def")
            try:
                inspect.signature(run).bind(event, DeliveryContext)
            except TypeError as error:
                raise DiscoveryError(
                    f"the handler {name} must take an event and a delivery: {error}"
                ) from error
            listed = self.handlers.setdefault(event.event, [])
            if any(handler.name == name for handler in listed):
                raise DiscoveryError(f"two handlers of {event.event!r} are named {name}")
            numbers = isinstance(timeout, int | float) and isinstance(max_attempts, int)
            if not (numbers and 0 < timeout <= LONGEST_TIMEOUT and max_attempts >= 1):  # NaN compares false
                raise DiscoveryError(
                    f"timeout and max_attempts of {name} must be numbers above zero, timeout at most a day"
                )
            if serialize not in [None, *(part for part in get_args(Serialize) if part in event.model_fields)]:
                raise DiscoveryError(f"{event.__name__} has no {serialize} to serialize {name} by")
            named = [action] if isinstance(action, str) else action
            if not (isinstance(named, Collection) and all(one and isinstance(one, str) for one in named)):
                raise DiscoveryError(f"name the action of {name} as text or several, not as {action!r}")
            actions = frozenset(named)
            own = event.__mro__[: event.__mro__.index(Event)]
            if actions and not any("action" in inspect.get_annotations(one) for one in own):
                raise DiscoveryError(
                    f"{event.__name__} has no action for {name} to match: declare `action` in its schema, or "
                    f"omit action in @on"
                )
            listed.append(Handler(name, event, actions, run, timeout, max_attempts, serialize))
            return run

        return register

    def wanting(self, event: Event, name: str) -> list[Handler]:
        """Return the handlers that accept this payload of the event `name`, in the order of registration."""
        return [handler for handler in self.handlers.get(name, ()) if handler.wants(event)]

    def serialized(self) -> list[Handler]:
        """Return the handlers with `serialize`."""
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
"""The handlers of this process, registered when the modules of `handlers/` are imported."""

on = registry.on


def load() -> dict[str, type[Event]]:
    """Import all modules of events and handlers, and return the events by name. Raises `DiscoveryError`."""
    events = schemas.discover(schemas)
    schemas.modules(importlib.import_module("handlers"))
    registry.check(events)
    return events
