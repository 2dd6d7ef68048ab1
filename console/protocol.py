"""The receiver's HTTP protocol for pages: their answers may take longer, and their bodies are smaller."""

from http import HTTPStatus
from typing import Any

from receiver.connections import Stage
from receiver.faults import Fault, FaultError
from receiver.protocol import LimitedHttpProtocol

# Bytes. Django writes a body to a file before a view checks the session. It then refuses bodies over 2.5 MB.
MAX_BODY = 4 * 1024 * 1024
BODY_TOO_LARGE: Fault = (
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    f"the body is larger than {MAX_BODY} bytes",
)


class PlainHttpProtocol(LimitedHttpProtocol):
    """A connection whose deadlines limit its client: neither the time of a page, nor that of a download."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        # Bytes of the present body that have arrived.
        self._body = 0
        # Bytes of answers that the client had not read at the last deadline.
        self._unread = 0

    def eof_received(self) -> None:
        """Close the connection and end its request: this is how a browser leaves a page."""

    def on_headers_complete(self) -> None:
        """Start the application."""
        super().on_headers_complete()
        if not self.parser.should_upgrade():
            self._body = 0
            # Trailers, such as a token, are no headers: https://www.rfc-editor.org/rfc/rfc9110#section-6.5.1
            self.headers = []

    def on_body(self, body: bytes) -> None:
        """Pass a piece of the body to the application. Raises `FaultError`."""
        self._body += len(body)
        if self._body > MAX_BODY:
            self._fault = BODY_TOO_LARGE
            raise FaultError(*BODY_TOO_LARGE)
        super().on_body(body)

    def expire(self) -> None:
        """End the connection at a deadline, unless its client waits for the page or has read some of it."""
        before, self._unread = self._unread, self.transport.get_write_buffer_size()
        waits = self.stage is Stage.ANSWER and not self._unread
        if waits or self._unread != before:
            self.since = self.loop.time()
        else:
            super().expire()
