"""Errors as problems: https://www.rfc-editor.org/rfc/rfc9457. Every error under `/api/` is one."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from asgiref.sync import markcoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

PREFIX = "/api/"  # and `/api` itself
CONTENT_TYPE = "application/problem+json"
# Seconds after which a request is worth repeating when the database does not answer.
RETRY_AFTER = 5
# Headers of an answer that was not a problem, which its problem keeps.
_KEPT = ("Allow", "Retry-After", "WWW-Authenticate", "Location")


class ProblemError(Exception):
    """A request that cannot be answered as asked; the answer is its status and its detail."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}


def not_found(detail: str = "There is nothing under this address.") -> ProblemError:
    """Return a 404."""
    return ProblemError(HTTPStatus.NOT_FOUND, detail)


def invalid(at: str, detail: str) -> ProblemError:
    """Return a 422 that names the parameter or field that is wrong."""
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors=[{"at": at, "detail": detail}])


def conflict(detail: str) -> ProblemError:
    """Return a 409."""
    return ProblemError(HTTPStatus.CONFLICT, detail)


def database_away() -> ProblemError:
    """Return the 503 of a request that needs the database while it does not answer."""
    headers = {"Retry-After": str(RETRY_AFTER)}
    return ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, "The database does not answer.", headers=headers)


def unauthorized() -> ProblemError:
    """Return the 401 of a request without a valid token. It does not say what is wrong with the token."""
    return ProblemError(
        HTTPStatus.UNAUTHORIZED,
        "A valid token is needed: Authorization: Bearer hk_…",
        headers={"WWW-Authenticate": "Bearer"},
    )


def response(error: ProblemError) -> HttpResponse:
    """Return the answer to a request that raised the error."""
    content: dict[str, Any] = {
        "type": "about:blank",
        "title": error.status.phrase,
        "status": error.status.value,
        "detail": error.detail,
    }
    if error.errors:
        content["errors"] = list(error.errors)
    return HttpResponse(
        json.dumps(content), content_type=CONTENT_TYPE, status=error.status, headers=dict(error.headers)
    )


class Problems:
    """Middleware that replaces every other error under `/api/` by a problem: those of Django and of ninja."""

    async_capable = True
    sync_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], Awaitable[HttpResponseBase]]) -> None:
        self._get_response = get_response
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request."""
        answer = await self._get_response(request)
        if (
            not f"{request.path}/".startswith(PREFIX)
            or answer.status_code < HTTPStatus.BAD_REQUEST
            or answer.headers.get("Content-Type") == CONTENT_TYPE
        ):
            return answer
        status = HTTPStatus(answer.status_code)
        kept = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
        return response(ProblemError(status, status.description or status.phrase, headers=kept))
