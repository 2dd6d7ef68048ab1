"""uvicorn's HTTP/1.1 protocol without upgrades, for the console."""

import httptools

from receiver import faults
from receiver.upgrades import WithoutUpgrade


class PlainHttpProtocol(WithoutUpgrade):
    """A connection that ignores `Upgrade`, so a WebSocket handshake is the GET that it is."""

    def data_received(self, data: bytes) -> None:
        """Parse what arrived; answer 400 to what is not HTTP/1.1, or has not one host."""
        self._unset_keepalive_if_required()
        try:
            while data:
                data = self._feed(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.send_400_response("Invalid HTTP request received.")

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
        if not self.parser.should_upgrade():
            if not faults.names_host(self.headers, self.parser.get_http_version()):
                raise faults.FaultError(*faults.WRONG_HOST)
            super().on_headers_complete()
            # Trailers, such as a token, are no headers: https://www.rfc-editor.org/rfc/rfc9110#section-6.5.1
            self.headers = []

    def on_message_complete(self) -> None:
        """Pass the end of the body to the application."""
        if not self.parser.should_upgrade():
            super().on_message_complete()
