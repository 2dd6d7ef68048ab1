"""What receiver and console do with a head. Offers of another protocol are ignored, as a server may.

uvicorn drops the body of a request that makes one. Java's HTTP client offers `h2c` with every request:
https://github.com/Kludex/uvicorn/issues/2722
"""

from collections.abc import Sequence

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from receiver import faults
from receiver.faults import Fault, FaultError

CLOSE = (b"connection", b"close")


class WithoutUpgrade(HttpToolsProtocol):
    """The base of protocols that ignore `Upgrade`, and refuse a head that has a fault."""

    # What `on_headers_complete` found wrong: the parser raises an error of its own.
    _fault: Fault | None = None

    def on_headers_complete(self) -> None:
        """Start the application, unless the head will be parsed again. Raises `FaultError`."""
        if self.parser.should_upgrade():
            return
        version = self.parser.get_http_version()
        self._fault = faults.of_head(self.headers, version)
        if self._fault is not None:
            raise FaultError(*self._fault)
        if version == "1.0":  # https://www.rfc-editor.org/rfc/rfc9110#section-10.1.1
            self.expect_100_continue = False
        super().on_headers_complete()

    def _ignore_upgrade(self) -> None:
        """Parse the head again without `Upgrade`: with it, the parser drops the body."""
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        self.parser = httptools.HttpRequestParser(self)
        self.parser.feed_data(without_upgrade(method, self.url, version, self.headers))

    def _write(self, status: int, content: bytes, fields: Sequence[tuple[bytes, bytes]]) -> None:
        """Write a response of JSON."""
        lines = [b"%b: %b\r\n" % field for field in (*self.server_state.default_headers, *fields)]
        head = b"%bcontent-type: application/json\r\n" % STATUS_LINE[status]
        length = b"content-length: %d\r\n\r\n" % len(content)
        self.transport.write(b"".join([head, *lines, length, content]))


def without_upgrade(
    method: bytes, url: bytes, version: bytes, headers: Sequence[tuple[bytes, bytes]]
) -> bytes:
    """Return a head without `Upgrade`, which a server may ignore.

    https://www.rfc-editor.org/rfc/rfc9110#section-7.8
    """
    fields = [name + b": " + value for name, value in headers if name != b"upgrade"]
    return b"\r\n".join([b"%b %b HTTP/%b" % (method, url, version), *fields, b"", b""])
