"""Handlers of events: one module per event, each handler a coroutine under `@on`.

A module whose name begins with an underscore holds no handlers. See docs/how-to/add-an-event.md.
"""

from handlers._context import DeliveryContext
from handlers._errors import HandlerError, PermanentError, RetryableError
from handlers._registry import MAX_ATTEMPTS, Handler, Registry, load, on, registry

__all__ = [
    "MAX_ATTEMPTS",
    "DeliveryContext",
    "Handler",
    "HandlerError",
    "PermanentError",
    "Registry",
    "RetryableError",
    "load",
    "on",
    "registry",
]
