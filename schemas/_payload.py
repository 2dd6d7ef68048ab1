r"""From the bytes of a body to a typed payload, whatever the bytes are.

The fast path is pydantic's own JSON parser. It stops at lone surrogates, at numbers of many thousand
digits and at 200 levels of nesting, all of which JSON allows (RFC 8259), and it lets through NUL, which
PostgreSQL cannot hold in a text. NUL and lone surrogates become the six characters of their escape in the
text of the JSON, before it is parsed: `\u0000` is then `\\u0000`. The body itself is kept as it came. What
the fast path rejects takes the slow one through the standard library, which knows what is to be excused.
"""

import json
import re
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from schemas._base import BigInt
from schemas._errors import NotJSONError, TooDeepError
from schemas._forms import payload_of
from schemas._mending import MENDED, drop_nulls, drop_unreadable
from schemas._skimming import Wanted, skimmer

FORM = "application/x-www-form-urlencoded"
MAX_INT_DIGITS = 4000  # beyond about this, Python refuses to make an int of a string
# Bytes of a body, and values in a larger one, up to which the receiver lets pydantic build a tree of it all.
# A value takes up to 65 bytes there: 100 MB at most. Pushes of 25 MB have less than a million.
SMALL = 64 * 1024
MAX_VALUES = 1_500_000
ESCAPED = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")  # NUL, or half of a pair that may lack the other
# A whole escape, so that its backslash is no other's; a pair of surrogates is one. Group 1 is what no text
# may hold.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|u(0000|[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

Model = TypeVar("Model", bound=BaseModel)


def is_form(content_type: str) -> bool:
    """Tell whether a content type is that of a form; all others are taken for JSON."""
    return content_type.partition(";")[0].strip().lower() == FORM


def json_of(body: bytes, content_type: str, at_most: int | None = None) -> bytes:
    """Return the JSON in a body: all of it, or the field `payload` of a form, GitHub's two content types.

    Raises `NotJSONError` for a form without that field, and `TooLongError` for more than `at_most` bytes of
    JSON in a form.
    """
    return payload_of(body, at_most) if is_form(content_type) else body


def parse(model: type[Model], body: bytes, unread: list[str] | None = None) -> Model:
    """Return the payload in `body` (JSON) as a `model`, without what the rules of `schemas._mending` excuse.

    The paths of what nobody could read are appended to `unread`. Raises `pydantic.ValidationError` with the
    path of each field that the model rejects, and `NotJSONError` or `TooDeepError` for what is no JSON or
    cannot be read.
    """
    if _has_nul(body):
        body = _storable_json(body)
    try:
        return _fast(model, body)
    except ValidationError:
        pass  # the slow path tells the same, or excuses it
    payload = _load(_storable_json(body) if ESCAPED.search(body) else body)
    drop_nulls(model, payload)
    for _ in range(MENDED):
        try:
            return model.model_validate(payload)
        except ValidationError as error:
            if not (paths := drop_unreadable(model, payload, error)):
                raise
            if unread is not None:
                unread += paths
    return model.model_validate(payload)


def _fast(model: type[Model], body: bytes) -> Model:
    # What `model_validate_json` ends in; on the way there it looks at options that nobody gave.
    read: Model = model.__pydantic_validator__.validate_json(body)
    return read


def _has_nul(body: bytes) -> bool:
    # To look for one byte is ten times faster than for six, and most bodies escape nothing.
    return (escape := body.find(b"\\")) >= 0 and body.find(b"\\u0000", escape) >= 0


def _storable_json(body: bytes) -> bytes:
    """The same JSON where each NUL and lone surrogate is the text of its escape."""
    return _ESCAPE.sub(lambda escape: escape[0] if escape[1] is None else rb"\\u" + escape[1].lower(), body)


def _load(body: bytes) -> Any:
    try:
        return json.loads(body.decode(), parse_int=_parse_int)
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


_PART: Wanted = {name: {} for name in Part.model_fields}
_skim = skimmer({name: {} if name == "action" else _PART for name in Envelope.model_fields})


def read_envelope(body: bytes) -> Envelope:
    """The envelope of a JSON body; raises `NotJSONError` only.

    What is too deep to read, or no object, has an empty one. Memory is bounded: pydantic parses the whole
    body only where its tree is small.
    """
    if not _has_nul(body) and (len(body) <= SMALL or _values(body) <= MAX_VALUES):
        try:
            return _fast(Envelope, body)
        except ValidationError:
            pass  # it is no JSON, or a part of it is to be excused
    try:
        return parse(Envelope, _skim(body))
    except (TooDeepError, ValidationError):
        return Envelope()


def _values(body: bytes) -> int:
    """No fewer than the values in the body: a comma or bracket stands before each."""
    return body.count(b",") + body.count(b"[") + body.count(b"{")
