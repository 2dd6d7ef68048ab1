"""Extracts the JSON from a form, a slice at a time."""

import re
from binascii import a2b_qp
from io import BytesIO
from urllib.parse import unquote_to_bytes

from schemas._errors import NotJSONError, TooLongError

SLICE = 256 * 1024  # bytes
MAX_FIELDS = 1000  # fields that are searched; GitHub sends one
# The name of the field; any of its characters may be escaped.
_PAYLOAD = re.compile(
    b"".join(b"(?:%c|%%(?i:%02x))" % (each, each) for each in b"payload") + rb"(?:=|(?=&)|\Z)"
)
_LINE_GOES_ON = re.compile(rb"=[\r\n]")


def payload_of(form: bytes, at_most: int | None = None) -> bytes:
    """Return the first field named `payload`, decoded as `urllib.parse.parse_qsl` does.

    It uses the memory of one slice beside the result. Raises `NotJSONError` for a form without that field,
    and `TooLongError` as soon as the decoded field exceeds `at_most` bytes.
    """
    position, end = _field(form)
    decoded = BytesIO()  # `getvalue` does not copy, a join would
    while position < end:
        stop = min(position + SLICE, end)
        if stop < end:
            # An escape has three bytes. If the slice would cut one, the next slice decodes it.
            escape = form.rfind(b"%", stop - 2, stop)
            stop = stop if escape < 0 else escape
        decoded.write(unescape(form[position:stop]))
        if at_most is not None and decoded.tell() > at_most:
            raise TooLongError(f"the payload is longer than {at_most} bytes")
        position = stop
    return decoded.getvalue()


def _field(form: bytes) -> tuple[int, int]:
    """Return the start and the end of the field's value."""
    start = 0
    for _ in range(MAX_FIELDS):
        end = form.find(b"&", start)
        if name := _PAYLOAD.match(form, start):
            return name.end(), len(form) if end < 0 else end
        if end < 0:
            break
        start = end + 1
    raise NotJSONError("the form has no field named payload")


def unescape(piece: bytes) -> bytes:
    """Return `piece` with `+` and `%XX` decoded, as `urllib.parse.unquote_to_bytes` decodes it.

    Quoted-printable has the same encoding with another sign, `=XX`. Python decodes it in C, ten times faster.
    """
    spaced = piece.replace(b"+", b" ")
    quoted = spaced.replace(b"=", b"%3D").replace(b"%", b"=")
    decoded = a2b_qp(quoted)
    # A sign that does not begin an escape is literal in a form. Quoted-printable keeps it too, so the result
    # is longer than two bytes less per sign. But at the end of a line it is a soft line break there.
    if len(quoted) - len(decoded) == 2 * quoted.count(b"=") and not _LINE_GOES_ON.search(quoted):
        return decoded
    return unquote_to_bytes(spaced)
