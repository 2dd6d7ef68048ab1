"""The ASGI application: a lean handler for webhooks that reads bodies within limits, Django's for the rest.

Django's own handler starts threads for every request and spools the body before anybody can refuse it.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from io import BytesIO
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.core.exceptions import ImproperlyConfigured  # noqa: E402
from django.core.handlers.asgi import ASGIHandler  # noqa: E402

from receiver import intake, queue, views  # noqa: E402

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

WEBHOOKS = "/webhooks/"
BODY_WITHIN = 8.0  # seconds; GitHub waits ten for the answer


class SenderGoneError(Exception):
    """The sender closed the connection before its body was whole."""


class TooLargeError(Exception):
    """The body is over `MAX_BODY_BYTES`."""


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The request's body, at most `limit` bytes of it in memory.

    Raises `TooLargeError` before reading what `Content-Length` says is too much, and as soon as it is.
    """
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > limit:
            raise TooLargeError
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise SenderGoneError
        body += message.get("body", b"")
        if len(body) > limit:
            raise TooLargeError
        if not message.get("more_body", False):
            return bytes(body)


class WebhookHandler(ASGIHandler):
    """Serves the view with the body already read, and without a thread per request."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            async with asyncio.timeout(BODY_WITHIN):
                body = await read_body(scope, receive, settings.MAX_BODY_BYTES)
        except SenderGoneError:
            return
        except TooLargeError:
            response: Any = views.refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, views.too_large())
        except TimeoutError:
            response = views.refusal(
                HTTPStatus.REQUEST_TIMEOUT, f"no whole body within {BODY_WITHIN:g} seconds"
            )
        else:
            request, refused = self.create_request(scope, BytesIO(body))
            response = refused if request is None else await self.get_response_async(request)
            await self.send_response(response, send)
            return
        # What the sender still has to send is not read: the connection ends with this answer.
        response["Connection"] = "close"
        await self.send_response(response, send)


async def lifespan(receive: Receive, send: Send) -> None:
    """Commit, and hand to Redis, what is in flight before the process ends."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        else:
            await intake.close()
            await queue.close()
            await send({"type": "lifespan.shutdown.complete"})
            return


if not settings.WEBHOOK_SECRETS:
    raise ImproperlyConfigured("GITHUB_WEBHOOK_SECRET is not set: the receiver would accept nothing.")

_webhooks = WebhookHandler()
_pages = ASGIHandler()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """What uvicorn serves: `uvicorn receiver.asgi:application`."""
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
    elif scope["type"] == "http" and scope["path"].startswith(WEBHOOKS):
        await _webhooks(scope, receive, send)
    else:
        await _pages(scope, receive, send)
