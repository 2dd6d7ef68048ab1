"""The receiver with a switch for its metrics and JSON logs: a request of `/bench/on` or `/bench/off`.

Both states are measured in one process. Two processes of the same code differ by up to 5% in their CPU for a
delivery, which is more than metrics cost.
"""

import logging
from http import HTTPStatus

from receiver import asgi, metering
from receiver.asgi import Send
from receiver.bodies import Receive, Scope
from receiver.metering import Meter
from receiver.store import Receipt
from telemetry import writing
from telemetry.logs import JsonLines, Lines

ON, OFF = "/bench/on", "/bench/off"
_stored = Meter.stored


def _nothing(self: Meter, event: str, receipt: Receipt, since: float | None) -> float:
    return 0.0


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Turn the switch, or serve as the receiver does."""
    if scope["type"] != "http" or scope["path"] not in {ON, OFF}:
        await asgi.application(scope, receive, send)
        return
    on = scope["path"] == ON
    Meter.stored = _stored if on else _nothing  # type: ignore[method-assign]
    for handler in logging.getLogger().handlers:
        handler.setFormatter(JsonLines() if on else Lines())
    # Earlier counts are written now, not while the other state is measured.
    await writing.flush(scope["state"]["parts"].meter._counts, metering._run)
    await send({"type": "http.response.start", "status": HTTPStatus.NO_CONTENT, "headers": []})
    await send({"type": "http.response.body"})
