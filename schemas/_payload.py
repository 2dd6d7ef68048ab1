r"""Converts the bytes of a body to a typed payload.

The fast path is pydantic's JSON parser. It rejects lone surrogates, numbers of many thousand digits and more
than 200 levels of nesting, all of which JSON allows (RFC 8259). It accepts NUL, which PostgreSQL cannot store
in a text. NUL and lone surrogates are therefore replaced in the JSON by the six characters of their escape,
before it is parsed: `\u0000` becomes `\\u0000`. The stored body is not changed. The slow path reads what the
fast path rejects, and large bodies, as the members of their schema or with the standard library, and applies
the rules of `schemas._mending`.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from schemas._base import Event
from schemas._bodies import ESCAPED, storable_json
from schemas._errors import NotJSONError, TooDeepError
from schemas._mending import MAX_ATTEMPTS_TO_MEND, drop_nulls, drop_unreadable
from schemas._outlines import reader
from schemas._servers import links_of, server_of

MAX_INT_DIGITS = 4000  # Python converts no longer string to an int
# Escapes that are looked at one by one. A search for one byte is twenty times faster than for six, and many
# bodies have a few escapes or none.
FEW_ESCAPES = 4
# Bytes of a body for the fast path. Where a field is missing, pydantic's error holds the whole object.
MAX_FAST = 1024 * 1024
Model = TypeVar("Model", bound=BaseModel)


def parse(model: type[Model], body: bytes, unread: list[str] | None = None) -> Model:
    """Return the payload in `body` (JSON) as a `model`, mended by the rules of `schemas._mending`.

    The paths of invalid values are appended to `unread`. Raises `pydantic.ValidationError` with the path of
    each field that the model rejects, and `NotJSONError` or `TooDeepError` for an unreadable body.
    """
    if b"\\" in body and _has_nul(body):
        body = storable_json(body)
    try:
        if len(body) <= MAX_FAST:
            # `model_validate_json` calls this after it has checked options that are not used here.
            read: Model = model.__pydantic_validator__.validate_json(body)
            return read
    except ValidationError:
        pass  # the slow path mends it, or raises the same error
    if ESCAPED.search(body):
        body = storable_json(body)
    try:
        payload = reader(model).validate_json(body)
    except ValidationError:
        payload = _load(body)
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


def _has_nul(body: bytes) -> bool:
    escape = body.find(b"\\")
    for _ in range(FEW_ESCAPES):
        if escape < 0:
            return False
        if body.startswith(b"u0000", escape + 1):
            return True
        escape = body.find(b"\\", escape + 2)
    # From the end, Python compares the backslash first, which is rarer than the last zero.
    return body.rfind(b"\\u0000", escape) >= 0


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
