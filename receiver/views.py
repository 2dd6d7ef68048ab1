"""The views: HTTP methods, headers and status codes."""

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

import schemas
from receiver import arrivals, bodies, headers, parts
from receiver.arrivals import Arrival
from receiver.deferred import DeferredRequest, DeferredResponse
from receiver.intake import StoreDownError
from receiver.models import Reason
from receiver.parts import Parts
from receiver.rejections import Refused
from receiver.signatures import Verifier
from receiver.store import Receipt
from telemetry import tracing

ROOT = (
    "Hookkeeper receives GitHub's webhooks at /webhooks/github; "
    "its console is another process: see docs/how-to/console.md\n"
)
RETRY_AFTER = "30"  # seconds
# Bytes. Parsing a larger body in the event loop would delay other requests.
PARSE_IN_LOOP = 1024 * 1024
# The error message of each limit.
LIMITS: dict[Reason, Callable[[], str]] = {
    Reason.TOO_LARGE: lambda: arrivals.too_large(settings.MAX_BODY_BYTES),
    Reason.TOO_SLOW: lambda: (
        f"no whole body within {bodies.BODY_WITHIN:g} seconds, or slow while others wait"
    ),
    Reason.BUSY: lambda: "too much is in flight; send it again",
}


async def github(request: HttpRequest, source: str = "") -> HttpResponse:
    """Store one delivery. Answer 2xx only after its commit; docs/reference/http.md lists all answers."""
    found = parts.of(request)
    if found is not None:
        return await _github(request, source.lower(), found)
    async with parts.temporary() as made:
        return await _github(request, source.lower(), made)


async def _github(request: HttpRequest, source: str, found: Parts) -> HttpResponse:
    if request.method != "POST":
        response = refuse(request, found, HTTPStatus.METHOD_NOT_ALLOWED, Reason.METHOD, "send a POST")
        response["Allow"] = "POST"
        return response
    body, since = request.body, None
    if isinstance(request, DeferredRequest):  # of `Handler`, which has read the body
        by_name, verifier, since = request.headers_by_name, request.verifier, request.since
        address = request.address
    else:
        by_name, verifier = headers.of(request), Verifier(secrets_of(source))
        address = request.META.get("REMOTE_ADDR", "")
        verifier.update(body)
    if len(body) > bodies.max_bytes(settings.MAX_BODY_BYTES, by_name.get("content-type", "")):
        reason = Reason.TOO_LARGE
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        return refuse(request, found, status, reason, LIMITS[reason](), len(body))
    try:
        arrival = await _read(by_name, body, source, verifier, address)
        asked = tracing.now()
        stored = await found.intake.keep(arrival, since)
    except arrivals.RejectedError as rejected:
        return refuse(request, found, rejected.status, rejected.reason, rejected.detail, len(body))
    except StoreDownError as error:
        status = HTTPStatus.SERVICE_UNAVAILABLE
        return refuse(request, found, status, Reason.STORE_DOWN, f"{error}; send it again", len(body))
    if stored.receipt is not Receipt.CONFLICT:
        seconds = found.meter.stored(arrival.event, stored.receipt, since)
        if asked:
            tracing.received(arrival.guid, arrival.event, seconds, asked)
        return _answer(arrival, stored.receipt)
    detail = "another body or event is stored under this guid and hook"
    return refuse(request, found, HTTPStatus.CONFLICT, Reason.CONFLICT, detail, len(body))


async def root(_request: HttpRequest) -> HttpResponse:
    """Say in one line what this is, for a browser at the receiver's address."""
    return HttpResponse(ROOT, content_type="text/plain; charset=utf-8")


def not_found(_request: HttpRequest | None = None, exception: Exception | None = None) -> JsonResponse:
    """Return the answer to a path that is none. It is Django's `handler404` too."""
    del exception  # the path is not repeated
    return refusal(HTTPStatus.NOT_FOUND, "nothing is here; deliveries go to /webhooks/github")


async def healthz(_request: HttpRequest) -> JsonResponse:
    """Answer 200 while the process runs."""
    return JsonResponse({"status": "ok"})


async def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 if deliveries can be stored and Redis answers, else 503 with the one that fails."""
    found = parts.of(request)
    if found is not None:
        return await _readiness(found)
    async with parts.temporary() as made:
        return await _readiness(made)


async def _readiness(found: Parts) -> JsonResponse:
    database, redis = await asyncio.gather(found.database_ready(), found.redis_ready())
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
    """Return an error as JSON; a 503 has `Retry-After`."""
    response = JsonResponse({"error": detail}, status=status)
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        response["Retry-After"] = RETRY_AFTER
    return response


def refuse(
    request: HttpRequest, found: Parts, status: HTTPStatus, reason: Reason, detail: str, size: int = 0
) -> HttpResponse:
    """Record a rejection and return its response; `size` is in bytes."""
    match = request.resolver_match
    refused = Refused(
        at=timezone.now(),
        reason=reason,
        status=status,
        detail=detail,
        address=request.META.get("REMOTE_ADDR", "")[:64],
        source=(match.kwargs.get("source", "").lower() if match else ""),
        event=schemas.storable(request.META.get("HTTP_X_GITHUB_EVENT", "")[:64]),
        size=size,
    )
    found.rejections.note(refused)
    return refusal(status, detail)


def secrets_of(source: str) -> tuple[bytes, ...]:
    """Return the secrets of a source: its own, or those of `GITHUB_WEBHOOK_SECRET` if it has none."""
    found: dict[str, tuple[bytes, ...]] = settings.WEBHOOK_SECRETS
    return found.get(source.lower().replace("-", "_"), ()) or found.get("", ())


async def _read(
    by_name: Mapping[str, str], body: bytes, source: str, verifier: Verifier, address: str
) -> Arrival:
    limit = settings.MAX_BODY_BYTES
    if len(body) <= PARSE_IN_LOOP:
        return arrivals.read(by_name, body, source, verifier, limit, address)
    return await asyncio.to_thread(arrivals.read, by_name, body, source, verifier, limit, address)


def _answer(arrival: Arrival, receipt: Receipt) -> HttpResponse:
    duplicate = receipt is Receipt.DUPLICATE
    # Nothing in this JSON needs escaping, and formatting is faster than `json.dumps`.
    body = f'{{"guid": "{arrival.guid}", "status": "{"duplicate" if duplicate else "accepted"}"}}'
    status = HTTPStatus.OK if duplicate else HTTPStatus.ACCEPTED
    return DeferredResponse(status, body)
