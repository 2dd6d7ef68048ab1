"""uvicorn's HTTP/1.1 protocol without upgrades, for the console."""

from typing import Any

import httptools

from receiver import faults
from receiver.faults import MAX_HEAD, Fault
from receiver.upgrades import CLOSE, WithoutUpgrade


class PlainHttpProtocol(WithoutUpgrade):
    """A connection that ignores `Upgrade`, so a WebSocket handshake is the GET that it is."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        # Bytes received since the last end of a head, or of a piece of a body.
        self._around_body = 0

    def data_received(self, data: bytes) -> None:
        """Parse what arrived; refuse what is not HTTP/1.1, has a fault, or is a head without end."""
        self._unset_keepalive_if_required()
        self._around_body += len(data)
        try:
            while data:
                data = self._feed(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse(self._fault or faults.NOT_HTTP)
        else:
            if self._around_body > MAX_HEAD:
                self._refuse(faults.TOO_LARGE)

    def _refuse(self, fault: Fault) -> None:
        status, detail = fault
        self._write(status, b'{"error": "%b"}' % detail.encode(), [CLOSE])
        self.transport.close()

    def _feed(self, data: bytes) -> bytes:
        """Parse up to the end of a head with an upgrade, if there is one; return the rest."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade()
            return data[upgrade.args[0] :]
        return b""

    def on_headers_complete(self) -> None:
        """Start the application, unless `_feed` will parse the head again."""
        super().on_headers_complete()
        if not self.parser.should_upgrade():
            self._around_body = 0
            # Trailers, such as a token, are no headers: https://www.rfc-editor.org/rfc/rfc9110#section-6.5.1
            self.headers = []

    def on_body(self, body: bytes) -> None:
        """Pass a piece of the body to the application."""
        self._around_body = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Pass the end of the body to the application."""
        if not self.parser.should_upgrade():
            super().on_message_complete()
