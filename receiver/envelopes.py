"""Converts an envelope, the few fields that are read before a payload is validated, to columns. Pure.

msgspec skips the rest of the JSON, where pydantic makes a tree of all of it. What msgspec rejects is read by
`schemas.read_envelope`, which mends it or says why it is no JSON. See docs/decisions/0073.
"""

from typing import Annotated, TypedDict

import msgspec

import schemas

MAX_TEXT = 255  # characters of a column
# Bytes. The check of UTF-8 decodes the body, and four bytes of memory may hold a character.
MAX_DECODED = 1024 * 1024

# As in `schemas.Envelope`.
_Number = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Text = Annotated[str, msgspec.Meta(pattern=r"^[^\x00]*$")]


class _Part(msgspec.Struct):
    id: _Number | None = None
    full_name: _Text | None = None
    login: _Text | None = None
    number: _Number | None = None


class _Envelope(msgspec.Struct):
    action: _Text | None = None
    repository: _Part | None = None
    sender: _Part | None = None
    installation: _Part | None = None
    pull_request: _Part | None = None
    issue: _Part | None = None


_decoder = msgspec.json.Decoder(_Envelope)


class Columns(TypedDict):
    """The columns of a delivery that are read from its body, named as in `Delivery`."""

    action: str
    repository_id: int | None
    repository: str
    sender: str
    installation_id: int | None
    number: int | None


def read(body: bytes) -> Columns:
    """Return the columns of a JSON body; raise `schemas.NotJSONError` for any other body."""
    if len(body) <= MAX_DECODED:
        try:
            if not body.isascii():
                body.decode()  # msgspec checks the UTF-8 of the texts that it keeps
            return columns(_decoder.decode(body))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
    return columns(schemas.read_envelope(body))


def columns(envelope: "schemas.Envelope | _Envelope") -> Columns:
    """Return the columns of a delivery with this envelope. Absent parts are empty, or null."""
    repository, sender, installation = envelope.repository, envelope.sender, envelope.installation
    subject = envelope.pull_request or envelope.issue
    return {
        "action": (envelope.action or "")[:MAX_TEXT],
        "repository_id": repository.id if repository else None,
        "repository": ((repository.full_name if repository else None) or "")[:MAX_TEXT],
        "sender": ((sender.login if sender else None) or "")[:MAX_TEXT],
        "installation_id": installation.id if installation else None,
        "number": subject.number if subject else None,
    }
