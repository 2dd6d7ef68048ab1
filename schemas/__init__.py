"""Pydantic models of GitHub's payloads: one module per event, named as in `X-GitHub-Event`.

Modules whose names begin with an underscore are not events. See docs/how-to/add-an-event.md.
"""

from typing import TYPE_CHECKING, Any

from schemas._bodies import ESCAPED, FORM, is_form, json_of, storable, storable_json
from schemas._errors import NotJSONError, PayloadError, TooDeepError, TooLongError
from schemas._servers import GITHUB, links_of, server_of

if TYPE_CHECKING:
    from schemas._base import (
        Account,
        Actor,
        BigInt,
        Edits,
        Event,
        Former,
        Items,
        Label,
        Login,
        Milestone,
        Organization,
        PushedRepository,
        RefName,
        Repository,
        Sha,
        Snapshot,
        Timestamp,
    )
    from schemas._discovery import DiscoveryError, discover, modules
    from schemas._payload import parse, server_in

__all__ = [
    "ESCAPED",
    "FORM",
    "GITHUB",
    "Account",
    "Actor",
    "BigInt",
    "DiscoveryError",
    "Edits",
    "Event",
    "Former",
    "Items",
    "Label",
    "Login",
    "Milestone",
    "NotJSONError",
    "Organization",
    "PayloadError",
    "PushedRepository",
    "RefName",
    "Repository",
    "Sha",
    "Snapshot",
    "Timestamp",
    "TooDeepError",
    "TooLongError",
    "discover",
    "is_form",
    "json_of",
    "links_of",
    "modules",
    "parse",
    "server_in",
    "server_of",
    "storable",
    "storable_json",
]


def __getattr__(name: str) -> Any:
    """Import what pydantic makes once it is used: the receiver uses none, and starts sooner."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from schemas import _base, _discovery, _payload  # noqa: PLC0415

    for module in (_base, _discovery, _payload):
        globals().update({name: value for name, value in vars(module).items() if name in __all__})
    return globals()[name]
