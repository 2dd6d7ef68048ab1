"""HTTP only: methods, headers and status codes."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from redis.exceptions import RedisError

import schemas
from receiver import arrivals, bodies, queue, rejections
from receiver.arrivals import Arrival
from receiver.intake import StoreDownError, intake
from receiver.models import Reason
from receiver.signatures import Verifier
from receiver.store import Receipt

logger = logging.getLogger(__name__)

RETRY_AFTER = "30"  # seconds
READY_WITHIN = 3.0  # seconds
# Bytes; parsing more than this in the event loop would keep the others waiting.
PARSE_IN_LOOP = 1024 * 1024
# What is said of each limit.
LIMITS: dict[Reason, Callable[[], str]] = {
    Reason.TOO_LARGE: lambda: f"the body is larger than {settings.MAX_BODY_BYTES} bytes",
    Reason.TOO_SLOW: lambda: f"no whole body within {bodies.BODY_WITHIN:g} seconds",
    Reason.BUSY: lambda: "too much is in flight; send it again",
}


async def github(request: HttpRequest, source: str = "") -> HttpResponse:
    """Take one delivery: 2xx only when it is committed, and the design's table for everything else."""
    if request.method != "POST":
        response = refuse(request, HTTPStatus.METHOD_NOT_ALLOWED, Reason.METHOD, "send a POST")
        response["Allow"] = "POST"
        return response
    body, source = request.body, source.lower()
    if len(body) > settings.MAX_BODY_BYTES:
        reason = Reason.TOO_LARGE
        return refuse(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, reason, LIMITS[reason](), len(body))
    # The lean handler has fed it as the body came.
    verifier = getattr(request, "verifier", None)
    if verifier is None:
        verifier = Verifier(secrets_of(source))
        verifier.update(body)
    try:
        arrival = await _read(request, body, source, verifier)
        stored = await intake().keep(arrival, getattr(request, "since", None))
    except arrivals.RejectedError as rejected:
        return refuse(request, rejected.status, rejected.reason, rejected.detail, len(body))
    except StoreDownError as error:
        return refuse(
            request,
            HTTPStatus.SERVICE_UNAVAILABLE,
            Reason.STORE_DOWN,
            f"{error}; send it again",
            len(body),
        )
    if stored.receipt is Receipt.DUPLICATE:
        return _answer(arrival, "duplicate", HTTPStatus.OK)
    return _answer(arrival, "accepted", HTTPStatus.ACCEPTED)


async def healthz(_request: HttpRequest) -> JsonResponse:
    """The process is up."""
    return JsonResponse({"status": "ok"})


async def readyz(_request: HttpRequest) -> JsonResponse:
    """Database and Redis answer; 503 and which of them does not, otherwise."""
    database, redis = await asyncio.gather(_answers(_ask_database()), _answers(_ask_redis()))
    ready = database and redis
    return JsonResponse(
        {
            "status": "ok" if ready else "unavailable",
            "database": "ok" if database else "unavailable",
            "redis": "ok" if redis else "unavailable",
        },
        status=HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE,
    )


def refusal(status: HTTPStatus, detail: str) -> JsonResponse:
    """An error as JSON; a 503 says when to come again."""
    response = JsonResponse({"error": detail}, status=status)
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        response["Retry-After"] = RETRY_AFTER
    return response


def refuse(
    request: HttpRequest, status: HTTPStatus, reason: Reason, detail: str, size: int = 0
) -> HttpResponse:
    """Refuse a request, and keep in mind that it was; `size` is in bytes."""
    match = request.resolver_match
    rejections.note(
        reason,
        status,
        detail,
        address=request.META.get("REMOTE_ADDR", "")[:64],
        source=(match.kwargs.get("source", "") if match else ""),
        event=schemas.storable(request.META.get("HTTP_X_GITHUB_EVENT", "")[:64]),
        size=size,
    )
    return refusal(status, detail)


def secrets_of(source: str) -> tuple[bytes, ...]:
    """The secrets of a source: its own, or those of `GITHUB_WEBHOOK_SECRET` when it has none."""
    found: dict[str, tuple[bytes, ...]] = settings.WEBHOOK_SECRETS
    return found.get(source.lower().replace("-", "_"), ()) or found.get("", ())


async def _read(request: HttpRequest, body: bytes, source: str, verifier: Verifier) -> Arrival:
    if len(body) <= PARSE_IN_LOOP:
        return arrivals.read(request.META, body, source, verifier)
    return await asyncio.to_thread(arrivals.read, request.META, body, source, verifier)


def _answer(arrival: Arrival, status: str, code: HTTPStatus) -> HttpResponse:
    # Written out, for nothing in it needs escaping.
    body = f'{{"guid": "{arrival.guid}", "status": "{status}"}}'
    return HttpResponse(body, content_type="application/json", status=code)


async def _answers(question: Awaitable[None]) -> bool:
    try:
        async with asyncio.timeout(READY_WITHIN):
            await question
    except (Error, RedisError, OSError) as error:
        logger.warning("not ready: %s", type(error).__name__)
        return False
    return True


async def _ask_database() -> None:
    def ask() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()

    await sync_to_async(ask)()


async def _ask_redis() -> None:
    async with queue.connect() as redis:
        await redis.ping()
