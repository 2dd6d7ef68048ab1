r"""From the bytes of a body to a typed payload, whatever the bytes are.

The fast path is pydantic's own JSON parser. It stops at lone surrogates, at numbers of many thousand
digits and at 200 levels of nesting, all of which JSON allows (RFC 8259), and it lets through NUL, which
PostgreSQL cannot hold in a text. Those bodies take the slow path through the standard library, where NUL
and lone surrogates become the six characters of their escape: `\u0000`, `\ud800`. The body itself is
kept as it came. What the fast path rejects takes the slow one too, which knows what is to be excused.
"""

import json
import re
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

from pydantic import BaseModel, ConfigDict, ValidationError

from schemas._base import BigInt
from schemas._mending import drop_nulls, drop_unreadable

FORM = "application/x-www-form-urlencoded"
MAX_INT_DIGITS = 4000  # beyond about this, Python refuses to make an int of a string
MENDED = 20  # times that a payload is read again: of a list, each finds the first bad item alone
ESCAPED = re.compile(rb"\\u(0000|[dD][89a-fA-F])")  # NUL, or half of a pair that may lack the other
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

Model = TypeVar("Model", bound=BaseModel)


class PayloadError(ValueError):
    """The body does not hold a payload that can be read."""


class NotJSONError(PayloadError):
    """The body is not JSON, or is a form without a field `payload`."""


class TooDeepError(PayloadError):
    """The body is nested more deeply than can be read."""


def json_of(body: bytes, content_type: str) -> bytes:
    """The JSON in a body: all of it, or the field `payload` of a form, GitHub's two content types."""
    if content_type.partition(";")[0].strip().lower() != FORM:
        return body
    for field in body.split(b"&"):
        name, _, value = field.partition(b"=")
        if name == b"payload":
            return unquote_to_bytes(value.replace(b"+", b" "))
    raise NotJSONError("the form has no field named payload")


def parse(model: type[Model], body: bytes) -> Model:
    """The payload in `body` (JSON) as a `model`, without what the rules of `schemas._mending` excuse.

    Raises `pydantic.ValidationError` with the path of each field that the model rejects, and
    `NotJSONError` or `TooDeepError` for what is no JSON or cannot be read.
    """
    # To look for one byte is ten times faster than for six, and most bodies escape nothing.
    if (escape := body.find(b"\\")) < 0 or body.find(b"\\u0000", escape) < 0:
        try:
            # What `model_validate_json` ends in; on the way there it looks at options that nobody gave.
            read: Model = model.__pydantic_validator__.validate_json(body)
        except ValidationError:
            pass  # the slow path tells the same, or excuses it
        else:
            return read
    payload = _load(body)
    drop_nulls(model, payload)
    for _ in range(MENDED):
        try:
            return model.model_validate(payload)
        except ValidationError as error:
            if not drop_unreadable(model, payload, error):
                raise
    return model.model_validate(payload)


def _load(body: bytes) -> Any:
    """The JSON value in `body`, its texts made storable."""
    try:
        value = json.loads(body.decode(), parse_int=_parse_int)
        return _storable_tree(value) if ESCAPED.search(body) else value
    except RecursionError as error:
        raise TooDeepError("the JSON is nested too deeply to be read") from error
    except json.JSONDecodeError as error:
        raise NotJSONError(f"not JSON: {error.msg} at byte {error.pos}") from error
    except UnicodeDecodeError as error:
        raise NotJSONError(f"not JSON: not UTF-8 at byte {error.start}") from error


def _parse_int(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_INT_DIGITS else float(digits)


def storable(text: str) -> str:
    """The text with NUL and lone surrogates escaped, which neither PostgreSQL nor UTF-8 can hold."""
    return UNSTORABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _storable_tree(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_storable_tree(item) for item in value]
    if isinstance(value, dict):
        return {storable(key): _storable_tree(item) for key, item in value.items()}
    return value


class Part(BaseModel):
    """A part of a payload, such as its repository or sender: what the receiver notes of it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: BigInt | None = None
    full_name: str | None = None
    login: str | None = None
    number: BigInt | None = None


class Envelope(BaseModel):
    """What the receiver notes of any payload, before any schema judges it.

    A part that is absent or not as expected is None, for a signed delivery is kept first and judged later:
    every field may be null, so that all is excused.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    action: str | None = None
    repository: Part | None = None
    sender: Part | None = None
    installation: Part | None = None
    pull_request: Part | None = None
    issue: Part | None = None


def read_envelope(body: bytes) -> Envelope:
    """The envelope of a JSON body; raises `NotJSONError` only.

    What is too deep to read, or no object, has an empty one.
    """
    try:
        return parse(Envelope, body)
    except (TooDeepError, ValidationError):
        return Envelope()
