r"""Converts the bytes of a body to a typed payload.

The fast path is pydantic's JSON parser. It rejects lone surrogates, numbers of many thousand digits and more
than 200 levels of nesting, all of which JSON allows (RFC 8259). It accepts NUL, which PostgreSQL cannot store
in a text. NUL and lone surrogates are therefore replaced in the JSON by the six characters of their escape,
before it is parsed: `\u0000` becomes `\\u0000`. The stored body is not changed. The slow path parses what the
fast path rejects with the standard library, and applies the rules of `schemas._mending`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from schemas._base import BigInt, Event
from schemas._errors import NotJSONError, TooDeepError
from schemas._forms import payload_of
from schemas._mending import MAX_ATTEMPTS_TO_MEND, drop_nulls, drop_unreadable
from schemas._servers import links_of, server_of
from schemas._skimming import Wanted, skimmer

FORM = "application/x-www-form-urlencoded"
MAX_INT_DIGITS = 4000  # Python converts no longer string to an int
# Limits up to which the receiver lets pydantic build a tree of the whole body: bytes, and values in a larger
# body. A value takes up to 65 bytes, so a tree takes at most 100 MB. Pushes of 25 MB have less than a
# million.
MAX_SMALL_BODY = 64 * 1024
MAX_VALUES = 1_500_000
ESCAPED = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")  # NUL, or a surrogate that may be alone
# Escapes that are looked at one by one. A search for one byte is twenty times faster than for six, and many
# bodies have a few escapes or none.
FEW_ESCAPES = 4
# A whole escape; a pair of surrogates is one. Group 1 is the escape of a character that cannot be stored.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|u(0000|[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

Model = TypeVar("Model", bound=BaseModel)

# A text without NUL: checking the few texts that are kept is faster than searching the whole body.
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]


def is_form(content_type: str) -> bool:
    """Return whether a content type is that of a form. All others count as JSON."""
    return content_type.partition(";")[0].strip().lower() == FORM


def json_of(body: bytes, content_type: str, at_most: int | None = None) -> bytes:
    """Return the JSON in a body: the whole body, or the field `payload` of a form.

    Raises `NotJSONError` for a form without that field, and `TooLongError` for more than `at_most` bytes of
    JSON in a form.
    """
    return payload_of(body, at_most) if is_form(content_type) else body


def parse(model: type[Model], body: bytes, unread: list[str] | None = None) -> Model:
    """Return the payload in `body` (JSON) as a `model`, mended by the rules of `schemas._mending`.

    The paths of invalid values are appended to `unread`. Raises `pydantic.ValidationError` with the path of
    each field that the model rejects, and `NotJSONError` or `TooDeepError` for an unreadable body.
    """
    if _has_nul(body):
        body = _storable_json(body)
    try:
        return _fast(model, body)
    except ValidationError:
        pass  # the slow path mends it, or raises the same error
    payload = _load(_storable_json(body) if ESCAPED.search(body) else body)
    drop_nulls(model, payload)
    for _ in range(MAX_ATTEMPTS_TO_MEND):
        try:
            return model.model_validate(payload)
        except ValidationError as error:
            if not (paths := drop_unreadable(model, payload, error)):
                raise
            if unread is not None:
                unread += paths
    return model.model_validate(payload)


def server_in(event: Event, body: bytes, headers: Mapping[str, str]) -> str:
    """Return the host of the server that sent `event`, which `body` (JSON) was parsed to.

    The links of the parts that all events share come first, then those of other parts, then headers. Other
    parts are read only where no link comes first. See `schemas.server_of`.
    """

    def others() -> Iterator[str]:
        yield from links_of(_load(body))

    return server_of(chain(event.links, others()), headers)


def _fast(model: type[Model], body: bytes) -> Model:
    # `model_validate_json` calls this after it has checked options that are not used here.
    read: Model = model.__pydantic_validator__.validate_json(body)
    return read


def _has_nul(body: bytes) -> bool:
    escape = body.find(b"\\")
    for _ in range(FEW_ESCAPES):
        if escape < 0:
            return False
        if body.startswith(b"u0000", escape + 1):
            return True
        escape = body.find(b"\\", escape + 2)
    return body.find(b"\\u0000", escape) >= 0


def _storable_json(body: bytes) -> bytes:
    """Return the JSON with each NUL and lone surrogate replaced by the text of its escape."""
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
    """Return the text with NUL and lone surrogates escaped, which PostgreSQL or UTF-8 cannot store."""
    return UNSTORABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


class Part(BaseModel):
    """The fields that the receiver stores of a part of a payload, such as its repository or sender."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: BigInt | None = None
    full_name: Text | None = None
    login: Text | None = None
    number: BigInt | None = None


class Envelope(BaseModel):
    """The fields that the receiver stores of any payload, before it is validated.

    A signed delivery is stored first and validated later. So every field may be null, and an absent or
    invalid part is None.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    action: Text | None = None
    repository: Part | None = None
    sender: Part | None = None
    installation: Part | None = None
    pull_request: Part | None = None
    issue: Part | None = None


_PART: Wanted = {name: {} for name in Part.model_fields}
_skim = skimmer({name: {} if name == "action" else _PART for name in Envelope.model_fields})


def read_envelope(body: bytes) -> Envelope:
    """Return the envelope of a JSON body; raise `NotJSONError` for any other body.

    The envelope is empty for JSON that is too deep, or no object. Memory is bounded: pydantic parses the
    whole body only if its tree is small.
    """
    if len(body) <= MAX_SMALL_BODY or _values(body) <= MAX_VALUES:
        try:
            return _fast(Envelope, body)
        except ValidationError:
            pass  # not JSON, or a part of it needs mending
    try:
        return parse(Envelope, _skim(body))
    except (TooDeepError, ValidationError):
        return Envelope()


def _values(body: bytes) -> int:
    """Return an upper bound for the values in the body: each follows a comma or an opening bracket."""
    return body.count(b",") + body.count(b"[") + body.count(b"{")
