"""The API as one object: its resources, and the answers to errors."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.operation import Operation
from ninja.parser import Parser
from ninja.renderers import BaseRenderer
from ninja.types import DictStrAny
from pydantic_core import to_json

import database
from api import (
    deliveries,
    missed,
    operations,
    outages,
    problems,
    records,
    rejections,
    replays,
    repositories,
    stats,
    views,
    workers,
)
from api.authentication import BearerToken
from api.problems import ProblemError

DESCRIPTION = """\
Lists answer `{"items": […], "next": …}`; `next` is the path and query of the next page, or null. Ids are
strings. Times are RFC 3339 in UTC. Errors are problems after RFC 9457. A token is needed for everything:
`Authorization: Bearer hk_…`."""
JSON = "application/json"

BEARER = BearerToken()


class Renderer(BaseRenderer):
    """Writes JSON with times to the microsecond, which Django's encoder cuts."""

    media_type = JSON

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        """Return the answer's body."""
        return to_json(data)


class JsonParser(Parser):
    """Reads bodies as JSON, and no body of another type: a form would otherwise be called invalid JSON."""

    def parse_body(self, request: HttpRequest) -> DictStrAny:
        """Return the value of the JSON body. Raises a 415 for another content type, and `ValueError`."""
        if request.content_type not in {JSON, ""}:  # without a type it may be JSON
            raise ProblemError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"The body must be JSON: Content-Type: {JSON}"
            )
        return super().parse_body(request)


class Api(NinjaAPI):
    """Names each operation by its function."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Return the name under which clients that are generated call it."""
        return operation.view_func.__name__


api = Api(
    title="Hookkeeper",
    version="1",
    description=DESCRIPTION,
    openapi_url=None,
    docs_url=None,
    auth=BEARER,
    parser=JsonParser(),
    renderer=Renderer(),
    urls_namespace="api",
)
api.add_router("/deliveries", replays.router)
api.add_router("/deliveries", deliveries.router)
api.add_router("/operations", operations.router)
api.add_router("", rejections.router)
api.add_router("/views", views.router)
api.add_router("/missed", missed.router)
api.add_router("/stats", stats.router)
api.add_router("/workers", workers.router)
api.add_router("/repositories", repositories.router)
api.add_router("", records.router)


@api.exception_handler(ProblemError)
def _problem(_request: HttpRequest, error: ProblemError) -> HttpResponse:
    return problems.response(error)


@api.exception_handler(ValidationError)
def _invalid(_request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors = [{"at": _place(each["loc"]), "detail": str(each["msg"])} for each in error.errors]
    detail = "; ".join(f"{each['at']}: {each['detail']}" for each in errors)
    return problems.response(ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors=errors))


def _place(location: Sequence[str | int]) -> str:
    """Return `query.limit` or `body.ids.0`, without the names of our parameters and models."""
    source, *rest = location
    parts = [source, *(rest[1:] if rest[:1] == [source] else rest)]
    return ".".join(str(part) for part in parts if part not in replays.TAGS)


@api.exception_handler(HttpError)
def _http_error(_request: HttpRequest, error: HttpError) -> HttpResponse:
    # django-ninja wraps whatever the parser raises.
    if isinstance(error.__cause__, ProblemError):
        return problems.response(error.__cause__)
    said = f"The body is not JSON: {error.__cause__}" if error.__cause__ else error.message
    return problems.response(ProblemError(HTTPStatus(error.status_code), said))


@api.exception_handler(AuthenticationError)
def _without_token(_request: HttpRequest, _error: AuthenticationError) -> HttpResponse:
    return problems.response(problems.unauthorized())


@api.exception_handler(Http404)
def _not_found(_request: HttpRequest, _error: Http404) -> HttpResponse:
    return problems.response(problems.not_found())


@api.exception_handler(RequestDataTooBig)
def _too_big(_request: HttpRequest, _error: RequestDataTooBig) -> HttpResponse:
    return problems.response(
        ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is larger than a request needs.")
    )


@api.exception_handler(Exception)
def _unexpected(request: HttpRequest, error: Exception) -> HttpResponse:
    """Raise it again, in debug mode too: Django logs it, and `problems.Problems` answers.

    An outage of the database is a 503.
    """
    if database.is_outage(error):
        return outages.logged(request, problems.response(problems.database_away()), error)
    raise error
