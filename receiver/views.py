"""HTTP only: methods, headers and status codes."""

import asyncio
import logging
from collections.abc import Awaitable
from http import HTTPStatus

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from redis.exceptions import RedisError

from receiver import arrivals, queue
from receiver.intake import StoreDownError, intake
from receiver.store import Receipt

logger = logging.getLogger(__name__)

RETRY_AFTER = "30"  # seconds
READY_WITHIN = 3.0  # seconds


async def github(request: HttpRequest, source: str = "") -> JsonResponse:
    """Take one delivery: 2xx only when it is committed, and the design's table for everything else."""
    if request.method != "POST":
        response = refusal(HTTPStatus.METHOD_NOT_ALLOWED, "send a POST")
        response["Allow"] = "POST"
        return response
    if len(request.body) > settings.MAX_BODY_BYTES:
        return refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, too_large())
    try:
        arrival = arrivals.read(request.headers, request.body, source.lower(), secrets_of(source))
    except arrivals.RejectedError as rejected:
        logger.warning("refused %d: %s", rejected.status, rejected.reason)
        return refusal(rejected.status, rejected.reason)
    try:
        stored = await intake().keep(arrival)
    except StoreDownError as error:
        logger.error("refused 503: %s", error)  # noqa: TRY400 - an outage is one line, not a traceback each
        response = refusal(HTTPStatus.SERVICE_UNAVAILABLE, "the delivery could not be stored; send it again")
        response["Retry-After"] = RETRY_AFTER
        return response
    duplicate = stored.receipt is Receipt.DUPLICATE
    return JsonResponse(
        {"guid": str(arrival.guid), "status": "duplicate" if duplicate else "accepted"},
        status=HTTPStatus.OK if duplicate else HTTPStatus.ACCEPTED,
    )


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


def refusal(status: HTTPStatus, reason: str) -> JsonResponse:
    """An error as JSON."""
    return JsonResponse({"error": reason}, status=status)


def too_large() -> str:
    """What is said of a body over the limit."""
    return f"the body is larger than {settings.MAX_BODY_BYTES} bytes"


def secrets_of(source: str) -> tuple[bytes, ...]:
    """The secrets of a source: its own, or those of `GITHUB_WEBHOOK_SECRET` when it has none."""
    found: dict[str, tuple[bytes, ...]] = settings.WEBHOOK_SECRETS
    return found.get(source.lower().replace("-", "_"), ()) or found.get("", ())


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
