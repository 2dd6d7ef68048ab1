"""Reads the JSON in a body, and escapes what no database stores. Receivers need nothing else of schemas."""

import re

from schemas._forms import payload_of

FORM = "application/x-www-form-urlencoded"
ESCAPED = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")  # NUL, or a surrogate that may be alone
# A whole escape; a pair of surrogates is one. Group 1 is the escape of a character that cannot be stored.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|u(0000|[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def is_form(content_type: str) -> bool:
    """Return whether a content type is that of a form. All others count as JSON."""
    return content_type.partition(";")[0].strip().lower() == FORM


def json_of(body: bytes, content_type: str, at_most: int | None = None) -> bytes:
    """Return the JSON in a body: the whole body, or the field `payload` of a form.

    Raises `NotJSONError` for a form without that field, and `TooLongError` for more than `at_most` bytes of
    JSON in a form.
    """
    return payload_of(body, at_most) if is_form(content_type) else body


def storable_json(body: bytes) -> bytes:
    """Return the JSON with each NUL and lone surrogate replaced by the text of its escape."""
    return _ESCAPE.sub(lambda escape: escape[0] if escape[1] is None else rb"\\u" + escape[1].lower(), body)


def storable(text: str) -> str:
    """Return the text with NUL and lone surrogates escaped, which PostgreSQL or UTF-8 cannot store."""
    return UNSTORABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
