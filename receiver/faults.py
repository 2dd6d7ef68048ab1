"""Knows what is wrong with a request before the application gets it. No I/O."""

import re
from collections.abc import Sequence
from http import HTTPStatus

# Bytes of a request line and its headers; also of chunk extensions and trailers with no body between them.
MAX_HEAD = 64 * 1024
# Header lines. GitHub sends about fifteen, and a proxy adds as many. Parsed, the shortest line takes about
# forty times its bytes.
MAX_FIELDS = 128

Fault = tuple[HTTPStatus, str]
"""The status and the error message of the answer."""

# A head, or the extensions and trailers of a chunked body.
TOO_LARGE: Fault = (
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    f"the head is larger than {MAX_HEAD} bytes or {MAX_FIELDS} lines",
)
# The parser would leave any other coding in place.
UNKNOWN_CODING: Fault = (HTTPStatus.NOT_IMPLEMENTED, "the only transfer coding is chunked")
WRONG_HOST: Fault = (HTTPStatus.BAD_REQUEST, "the request must have one Host")
NOT_HTTP: Fault = (HTTPStatus.BAD_REQUEST, "not an HTTP request")
# With the spaces that the parser leaves behind a value.
_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=:%\[\]-]*[ \t]*")


class FaultError(Exception):
    """The request is answered with the `Fault` in `args`."""


def of_head(headers: Sequence[tuple[bytes, bytes]], version: str) -> Fault | None:
    """Return what is wrong with a parsed head."""
    if len(headers) > MAX_FIELDS:
        return TOO_LARGE
    if not names_host(headers, version):
        return WRONG_HOST
    for name, value in headers:
        if name == b"transfer-encoding" and value.strip().lower() != b"chunked":
            return UNKNOWN_CODING
    return None


def names_host(headers: Sequence[tuple[bytes, bytes]], version: str) -> bool:
    """Return whether a head has one host, which HTTP/1.0 may leave out.

    https://www.rfc-editor.org/rfc/rfc9112#section-3.2
    """
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) == 1:
        return _HOST.fullmatch(hosts[0]) is not None
    return not hosts and version != "1.1"
