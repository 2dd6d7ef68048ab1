"""From a request's headers and body to an arrival that may be stored, pure.

The order is fixed: the signature is verified before anything else of the request is read.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID

import schemas
from receiver import signatures

JSON = "application/json"
CONTENT_TYPES = (JSON, "application/x-www-form-urlencoded")
MAX_TEXT = 255
_GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_EVENT = re.compile(r"[a-z][a-z0-9_]{0,63}")
_HOOK_ID = re.compile(r"[0-9]{1,18}")


class RejectedError(Exception):
    """The request is refused; the message is told to the sender and holds nothing secret."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Arrival:
    """A verified delivery, as it is stored. `hook_id` is 0 where the sender names no hook."""

    guid: UUID
    hook_id: int
    source: str
    event: str
    headers: dict[str, str]
    content_type: str
    body: bytes
    action: str = ""
    repository_id: int | None = None
    repository: str = ""
    sender: str = ""
    installation_id: int | None = None


def read(headers: Mapping[str, str], body: bytes, source: str, secrets: Sequence[bytes]) -> Arrival:
    """The arrival that a POST with these headers (names matched as the mapping does) and body is.

    Raises `RejectedError` with the status of the design's table.
    """
    try:
        signatures.verify(secrets, body, headers.get(signatures.HEADER))
    except signatures.SignatureMismatchError as error:
        raise RejectedError(HTTPStatus.FORBIDDEN, str(error)) from error
    except signatures.SignatureError as error:
        raise RejectedError(HTTPStatus.BAD_REQUEST, str(error)) from error
    event = _header(headers, "X-GitHub-Event", _EVENT, "the name of an event")
    guid = _header(headers, "X-GitHub-Delivery", _GUID, "a UUID")
    hook_id = _header(headers, "X-GitHub-Hook-ID", _HOOK_ID, "a number", absent="0")
    content_type = headers.get("Content-Type", "")
    if content_type.partition(";")[0].strip().lower() not in CONTENT_TYPES:
        raise RejectedError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Content-Type must be {' or '.join(CONTENT_TYPES)}"
        )
    try:
        envelope = schemas.read_envelope(schemas.json_of(body, content_type))
    except schemas.NotJSONError as error:
        raise RejectedError(HTTPStatus.BAD_REQUEST, f"the body is not a payload: {error}") from error
    repository, sender, installation = envelope.repository, envelope.sender, envelope.installation
    return Arrival(
        guid=UUID(guid),
        hook_id=int(hook_id),
        source=source,
        event=event,
        headers=_kept(headers),
        content_type=content_type[:MAX_TEXT],
        body=body,
        action=(envelope.action or "")[:MAX_TEXT],
        repository_id=repository.id if repository else None,
        repository=((repository.full_name if repository else None) or "")[:MAX_TEXT],
        sender=((sender.login if sender else None) or "")[:MAX_TEXT],
        installation_id=installation.id if installation else None,
    )


def _header(
    headers: Mapping[str, str], name: str, form: re.Pattern[str], what: str, absent: str | None = None
) -> str:
    value = headers.get(name, absent)
    if value is None:
        raise RejectedError(HTTPStatus.BAD_REQUEST, f"{name} is missing")
    if not form.fullmatch(value):
        raise RejectedError(HTTPStatus.BAD_REQUEST, f"{name} must be {what}")
    return value


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    """GitHub's own headers. Signatures are left out: beside the body they help to guess a weak secret."""
    return {
        name: value
        for name, value in headers.items()
        if name.lower().startswith("x-github-") or name.lower() == "user-agent"
    }
