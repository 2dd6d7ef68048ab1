"""Ignores offers of another protocol, as a server may: uvicorn drops the body of a request that makes one.

Java's HTTP client offers `h2c` with every request: https://github.com/Kludex/uvicorn/issues/2722
"""

from collections.abc import Sequence

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class WithoutUpgrade(HttpToolsProtocol):
    """The base of protocols that ignore `Upgrade`."""

    def _ignore_upgrade(self) -> None:
        """Parse the head again without `Upgrade`: with it, the parser drops the body."""
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        self.parser = httptools.HttpRequestParser(self)
        self.parser.feed_data(without_upgrade(method, self.url, version, self.headers))


def without_upgrade(
    method: bytes, url: bytes, version: bytes, headers: Sequence[tuple[bytes, bytes]]
) -> bytes:
    """Return a head without `Upgrade`, which a server may ignore.

    https://www.rfc-editor.org/rfc/rfc9110#section-7.8
    """
    fields = [name + b": " + value for name, value in headers if name != b"upgrade"]
    return b"\r\n".join([b"%b %b HTTP/%b" % (method, url, version), *fields, b"", b""])
