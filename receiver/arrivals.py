"""Converts the headers and body of a request to an arrival that can be stored. Pure.

The order is fixed: the signature is verified before anything else of the request is read.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple

import schemas
from receiver import envelopes, signatures
from receiver.envelopes import MAX_TEXT
from receiver.models import Reason, digest_of
from receiver.signatures import Verifier

JSON = "application/json"
CONTENT_TYPES = (JSON, schemas.FORM)
# GitHub sends seven headers of its own, with values under a hundred characters.
MAX_HEADERS = 32
MAX_HEADER = 1024  # characters of a value
MAX_NAME = 64  # characters
MAX_ADDRESS = 64  # characters
_GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_EVENT = re.compile(r"[a-z][a-z0-9_]{0,63}")
_HOOK_ID = re.compile(r"[0-9]{1,19}")
MAX_HOOK_ID = 2**63 - 1
# Around the value of a header, but no part of it: https://www.rfc-editor.org/rfc/rfc9110#section-5.5
SPACES = " \t"
_GITHUBS = "x-github-"


Key = tuple[str, str, int]
"""Source, guid and hook id of a delivery. Guids are in lower case, as PostgreSQL prints them."""


class RejectedError(Exception):
    """The request is rejected. The message is sent to the sender and contains no secret."""

    def __init__(self, status: HTTPStatus, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.detail = detail


class Arrival(NamedTuple):
    """A verified delivery that is ready to be stored.

    `hook_id` is 0 if the request names no hook. `digest` identifies the body.
    """

    guid: str
    hook_id: int
    source: str
    secret_position: int
    event: str
    headers: dict[str, str]
    content_type: str
    body: bytes
    digest: bytes
    action: str = ""
    repository_id: int | None = None
    repository: str = ""
    sender: str = ""
    installation_id: int | None = None
    number: int | None = None
    address: str = ""

    @property
    def key(self) -> Key:
        """Return the key of the delivery."""
        return self.source, self.guid, self.hook_id


def read(
    headers: Mapping[str, str], body: bytes, source: str, verifier: Verifier, limit: int, address: str = ""
) -> Arrival:
    """Return the arrival of a POST request; the names of its headers are in lower case.

    `address` is the sender's. `verifier` has read the body, whose JSON may have up to `limit` bytes. Raises
    `RejectedError` with the status of the table in docs/reference/http.md.
    """
    position = _position(verifier, headers.get("x-hub-signature-256"))
    event = _header(headers, "X-GitHub-Event", _EVENT, "the name of an event")
    guid = _header(headers, "X-GitHub-Delivery", _GUID, "a UUID")
    hook_id = int(_header(headers, "X-GitHub-Hook-ID", _HOOK_ID, "a number", absent="0"))
    if hook_id > MAX_HOOK_ID:
        raise RejectedError(HTTPStatus.BAD_REQUEST, Reason.HEADER, "X-GitHub-Hook-ID is beyond 64 bits")
    content_type = headers.get("content-type", "")
    if content_type != JSON and content_type.partition(";")[0].strip().lower() not in CONTENT_TYPES:
        raise _unsupported(f"Content-Type must be {' or '.join(CONTENT_TYPES)}")
    if headers.get("content-encoding", "").strip(SPACES).lower() not in {"", "identity"}:
        raise _unsupported("the body must not be compressed")
    try:
        columns = envelopes.read(schemas.json_of(body, content_type, limit))
    except schemas.TooLongError as error:
        raise RejectedError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, Reason.TOO_LARGE, too_large(limit)
        ) from error
    except schemas.NotJSONError as error:
        raise RejectedError(
            HTTPStatus.BAD_REQUEST, Reason.NOT_JSON, f"the body is not a payload: {error}"
        ) from error
    return Arrival(
        guid=guid.lower(),
        hook_id=hook_id,
        source=source,
        secret_position=position,
        event=event,
        headers=_kept(headers),
        content_type=content_type[:MAX_TEXT],
        body=body,
        digest=digest_of(body),
        address=address[:MAX_ADDRESS],
        **columns,
    )


def too_large(limit: int) -> str:
    """Return the error message for a body whose JSON has more than `limit` bytes."""
    return f"the body is larger than {limit} bytes"


def _unsupported(detail: str) -> RejectedError:
    return RejectedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, Reason.CONTENT_TYPE, detail)


def _position(verifier: Verifier, header: str | None) -> int:
    try:
        return verifier.verify(header and header.strip(SPACES))
    except signatures.SignatureMismatchError as error:
        raise RejectedError(HTTPStatus.FORBIDDEN, Reason.WRONG_SECRET, str(error)) from error
    except signatures.SignatureMissingError as error:
        raise RejectedError(HTTPStatus.BAD_REQUEST, Reason.NO_SIGNATURE, str(error)) from error
    except signatures.SignatureMalformedError as error:
        raise RejectedError(HTTPStatus.BAD_REQUEST, Reason.MALFORMED_SIGNATURE, str(error)) from error


def _header(
    headers: Mapping[str, str], name: str, form: re.Pattern[str], what: str, absent: str | None = None
) -> str:
    value = headers.get(name.lower()) or absent
    if value is None:
        raise RejectedError(HTTPStatus.BAD_REQUEST, Reason.HEADER, f"{name} is missing")
    if not form.fullmatch(value) and not form.fullmatch(value := value.strip(SPACES)):
        raise RejectedError(HTTPStatus.BAD_REQUEST, Reason.HEADER, f"{name} must be {what}")
    return value


@lru_cache(maxsize=64)
def _name(lower: str) -> str:
    """Return a header's name as GitHub writes it: `X-GitHub-Hook-ID` for `x-github-hook-id`."""
    rest = "-".join("ID" if word == "id" else word.title() for word in lower[len(_GITHUBS) :].split("-"))
    return f"X-GitHub-{rest}"


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    """Return GitHub's own headers, without the signatures: with the body, they help to guess a weak secret.

    A header that is larger than any of GitHub's is left out: no signature covers headers, so a sender could
    fill the rows with them.
    """
    kept = {}
    for name, value in headers.items():
        if name.startswith(_GITHUBS) and len(name) <= MAX_NAME and len(value) <= MAX_HEADER:
            kept[_name(name)] = value.strip(SPACES)
            if len(kept) == MAX_HEADERS:
                break
    agent = headers.get("user-agent")
    if agent is not None and len(agent) <= MAX_HEADER:
        kept["User-Agent"] = agent
    return kept
