"""The ASGI application.

For every request, Django's handler starts threads for signals and for closing the response, and spools the
body before a view can reject it. `Handler` does neither, runs no middleware, and calls the same views.
"""

import asyncio
import ctypes
import gc
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import django

# Collections during the imports cost a tenth of the start, and find no garbage.
gc.disable()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.core.handlers.asgi import ASGIHandler  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.urls import Resolver404, ResolverMatch, resolve  # noqa: E402

import schemas  # noqa: E402
from configuration.stopping import stop  # noqa: E402
from database import postgresql  # noqa: E402
from receiver import bodies, headers, resumption, views  # noqa: E402
from receiver.bodies import FREE_BYTES, Body, Message, Receive, Scope  # noqa: E402
from receiver.budget import Budget, blocks  # noqa: E402
from receiver.deferred import DeferredRequest, DeferredResponse  # noqa: E402
from receiver.parts import Parts  # noqa: E402
from receiver.rejections import Reason  # noqa: E402
from receiver.signatures import Verifier  # noqa: E402
from telemetry import tracing  # noqa: E402

logger = logging.getLogger(__name__)

Send = Callable[[Message], Awaitable[None]]

LONGEST_PATH = len("/webhooks/github//") + 64  # with the longest source that receiver/urls.py accepts
# Concurrent requests. Each may hold a small body that is not charged to the budget.
MAX_REQUESTS = 2000
# Bytes of large bodies in memory: one form of the maximum size, or three JSON bodies.
LARGE_BODIES = bodies.max_bytes(settings.MAX_BODY_BYTES, schemas.FORM)
# Bytes. Larger bodies are parsed and stored one at a time, because each then takes several times its size.
STORED_ALONE = 1024 * 1024
UNREAD = {
    bodies.TooLargeError: (Reason.TOO_LARGE, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    bodies.TooSlowError: (Reason.TOO_SLOW, HTTPStatus.REQUEST_TIMEOUT),
    bodies.BusyError: (Reason.BUSY, HTTPStatus.SERVICE_UNAVAILABLE),
    TimeoutError: (Reason.BUSY, HTTPStatus.SERVICE_UNAVAILABLE),
}
# Objects made since the last garbage collection. At Python's 700 it searches the requests in flight several
# times for each batch, and finds no garbage.
UNCOLLECTED = 10_000
SAFE_METHODS = ("GET", "HEAD")
M_ARENA_MAX = -8  # of glibc's malloc.h


@lru_cache(maxsize=1024)
def _resolved(path: str) -> ResolverMatch:
    try:
        return resolve(path)
    except Resolver404:
        return ResolverMatch(views.not_found, (), {})


class Handler(ASGIHandler):
    """Reads the body of a webhook within its limits, and no other body; then calls the view."""

    def __init__(self) -> None:
        super().__init__()
        self._budget = Budget(blocks(LARGE_BODIES))
        self._alone = asyncio.Lock()
        self._requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        # A longer path cannot be a webhook's, and must not fill the cache.
        match = _resolved(scope["path"][: LONGEST_PATH + 1])
        since = asyncio.get_running_loop().time()
        if match.func is not views.github:
            request = DeferredRequest(scope, match, Verifier(()), since)
            await self._send(await _page(request), request, send)
            return
        self._requests += 1
        verifier = Verifier(views.secrets_of(match.kwargs.get("source", "")))
        body = Body(self._budget, verifier, settings.MAX_BODY_BYTES)
        request = DeferredRequest(scope, match, verifier, since)
        try:
            response = await self._answer(request, body, receive)
            if response is not None and not _answered_at_once(request, response):
                await self._send(response, request, send)
        finally:
            body.release()
            self._requests -= 1

    async def _send(self, response: HttpResponse, request: DeferredRequest, send: Send) -> None:
        # Without a length it would be chunked, even for HTTP/1.0, which has no chunks.
        response["Content-Length"] = str(len(response.content))
        if request.connection is not None and not request.connection.whole:
            response["Connection"] = "close"  # the rest of the body is not read
        await self.send_response(response, send)

    async def _answer(self, request: DeferredRequest, body: Body, receive: Receive) -> HttpResponse | None:
        """Return the response of the view, or the rejection of an unread body; None if the sender is gone."""
        try:
            if self._requests > MAX_REQUESTS:
                raise bodies.BusyError
            if request.method == "POST":
                fields = len(request.scope["headers"])
                arrived = request.connection.take_body(FREE_BYTES) if request.connection else None
                if arrived is None:
                    await body.read(request.headers_by_name, receive)
                else:
                    body.take(arrived)
                if len(request.scope["headers"]) > fields:  # trailers, which come after the body
                    request.headers_by_name = headers.of_scope(request.scope["headers"])
                request._body = body.content
            if body.size <= STORED_ALONE:
                return await _call_view(request)
            async with asyncio.timeout_at(request.since + bodies.BODY_WITHIN) as waiting, self._alone:
                waiting.reschedule(None)
                return await _call_view(request)
        except bodies.SenderGoneError:
            return None
        except (bodies.UnreadError, TimeoutError) as error:
            # The rejection of a body that is not read to its end closes the connection.
            reason, status = UNREAD[type(error)]
            parts: Parts = request.scope["state"]["parts"]
            response = views.refuse(request, parts, status, reason, views.LIMITS[reason](), size=body.size)
            response["Connection"] = "close"
            return response


def _answered_at_once(request: DeferredRequest, response: HttpResponse) -> bool:
    """Answer through the connection if the response has only what it needs; return whether that was done."""
    if request.connection is None or not isinstance(response, DeferredResponse) or response.constructed:
        return False
    return request.connection.answer(response.status_code, response.json_text.encode())


async def _page(request: DeferredRequest) -> HttpResponse:
    """Return the answer to a request of any other path than a webhook's."""
    if request.resolver_match.func is views.not_found:
        return views.not_found()
    if request.method in SAFE_METHODS:
        return await _call_view(request)
    response = views.refusal(HTTPStatus.METHOD_NOT_ALLOWED, "deliveries go to /webhooks/github")
    response["Allow"] = ", ".join(SAFE_METHODS)
    return response


async def _call_view(request: DeferredRequest) -> HttpResponse:
    """Return the response of the view, or a 500."""
    match = request.resolver_match
    try:
        response: HttpResponse = await match.func(request, **match.kwargs)
    except Exception:
        logger.exception("request failed method=%s path=%r", request.method, request.scope["path"])
        response = views.refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "internal error; send it again")
    return response


async def lifespan(scope: Scope, receive: Receive, send: Send) -> None:
    """Create the receiver's parts, and close them before the process exits.

    https://asgi.readthedocs.io/en/latest/specs/lifespan.html#lifespan-state
    """
    await receive()
    parts = scope["state"]["parts"] = Parts()
    gc.set_threshold(UNCOLLECTED)
    noting = asyncio.create_task(resumption.note())
    logger.info("receiver started version=%s", settings.VERSION)
    await send({"type": "lifespan.startup.complete"})
    await receive()
    noting.cancel()
    await parts.close()
    # A thread that waits for a hanging database would keep the process alive.
    postgresql.cut()
    await send({"type": "lifespan.shutdown.complete"})


if not settings.WEBHOOK_SECRETS:
    stop("GITHUB_WEBHOOK_SECRET is not set: the receiver would accept nothing.")

# Seconds after which a thread that parses a large body must hand the GIL to the event loop: a tenth of
# Python's default. The loop releases the GIL for each chunk that it signs, so it must get it back quickly.
sys.setswitchinterval(0.0005)

# With a heap for each thread, glibc keeps a tenth more memory after many of the largest bodies.
if hasattr(libc := ctypes.CDLL(None), "mallopt"):
    libc.mallopt(M_ARENA_MAX, 1)

tracing.start(settings.TRACES)
_handler = Handler()


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Route what uvicorn calls; it serves this as `receiver.asgi:application`."""
    if scope["type"] == "lifespan":
        await lifespan(scope, receive, send)
    else:
        await _handler(scope, receive, send)


# A collection of what was imported would stop the event loop for tens of milliseconds.
gc.freeze()
gc.enable()
