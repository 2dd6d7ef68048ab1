"""Reads the columns of a delivery from its body, without a tree of the whole JSON. Pure.

A signed delivery is stored first and validated later, by the worker. So an absent or invalid part has no
column, and only a body that is no JSON is an error. msgspec checks the grammar of RFC 8259, and skips what is
not wanted without a copy. See docs/decisions/0080.
"""

import codecs
from typing import Annotated, Any, TypedDict, TypeVar, get_args

import msgspec

import schemas

MAX_TEXT = 255  # characters of a column
# Bytes that are checked for UTF-8 at once: while they are, four bytes of memory may hold a character.
SLICE = 1024 * 1024
# Escapes in a body that has to be mended, each of which is copied.
MAX_ESCAPES = 1_000_000

_Number = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Text = Annotated[str, msgspec.Meta(pattern=r"^[^\x00]*$")]
_Struct = TypeVar("_Struct", bound=msgspec.Struct)


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
# The same members, each as its text in the JSON.
_texts: dict[type[msgspec.Struct], msgspec.json.Decoder[Any]] = {
    model: msgspec.json.Decoder(
        msgspec.defstruct(
            model.__name__,
            [(name, msgspec.Raw, msgspec.Raw(b"null")) for name in model.__struct_fields__],
        )
    )
    for model in (_Envelope, _Part)
}


class Columns(TypedDict):
    """The columns of a delivery that are read from its body, named as in `Delivery`."""

    action: str
    repository_id: int | None
    repository: str
    sender: str
    installation_id: int | None
    number: int | None


def read(body: bytes) -> Columns:
    """Return the columns of a JSON body; raise `schemas.NotJSONError` for any other body.

    JSON that is nested too deeply to be read, or no object, has empty columns.
    """
    try:
        if not body.isascii():
            _check_encoding(body)  # msgspec checks only the texts that it keeps
        try:
            envelope = _decoder.decode(body)
        except msgspec.DecodeError:
            envelope = _mended(body)
    except UnicodeDecodeError as error:
        raise schemas.NotJSONError("not JSON: not UTF-8") from error
    except msgspec.DecodeError as error:
        raise schemas.NotJSONError(f"not JSON: {str(error).removeprefix('JSON is malformed: ')}") from error
    except RecursionError:
        envelope = _Envelope()
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


def _check_encoding(body: bytes) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(body), SLICE):
        decoder.decode(body[start : start + SLICE], final=start + SLICE >= len(body))


def _mended(body: bytes) -> _Envelope:
    """Read a body with escapes that no text may hold, or with a part that is not as expected."""
    if schemas.ESCAPED.search(body):
        if body.count(b"\\") > MAX_ESCAPES:
            return _Envelope()
        body = schemas.storable_json(body)
    msgspec.json.decode(body, type=msgspec.Raw)  # an unexpected value hides that no JSON follows it
    return _readable(body, _Envelope) or _Envelope()


def _readable(text: bytes | msgspec.Raw, model: type[_Struct]) -> _Struct | None:
    """Return an object, each of its members if it is as expected; None for any other value."""
    try:
        texts = _texts[model].decode(text)
    except msgspec.ValidationError:
        return None
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(model):
        part = get_args(field.type)[0]
        member = getattr(texts, field.name)
        found[field.name] = _readable(member, part) if part in _texts else _value(member, field.type)
    return model(**found)


def _value(text: msgspec.Raw, kind: Any) -> Any:
    try:
        return msgspec.json.decode(text, type=kind, strict=False)
    except msgspec.ValidationError:
        return None
