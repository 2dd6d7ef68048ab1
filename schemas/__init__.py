"""Pydantic models of GitHub's payloads: one module per event, named as in `X-GitHub-Event`.

Modules whose names begin with an underscore are not events. See docs/how-to/add-an-event.md.
"""

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
from schemas._errors import NotJSONError, PayloadError, TooDeepError, TooLongError
from schemas._payload import (
    ESCAPED,
    FORM,
    is_form,
    json_of,
    parse,
    server_in,
    storable,
    storable_json,
)
from schemas._servers import GITHUB, links_of, server_of

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
