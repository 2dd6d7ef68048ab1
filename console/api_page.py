"""The schema of the API as OpenAPI, and a page that shows it: no script, and nothing from elsewhere."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.views import View
from pydantic_core import to_json

from api import problems
from api.application import BEARER, api
from api.problems import ProblemError
from console.pages import page

PROBLEM = {
    "type": "object",
    "title": "Problem",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["at", "detail"],
                "properties": {"at": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
    "examples": [
        {
            "type": "about:blank",
            "title": "Not Found",
            "status": 404,
            "detail": "There is nothing under this address.",
        }
    ],
}
_ALWAYS = (400, 401, 422, 429, 503)
_METHODS = ("get", "post", "put", "patch", "delete")


@cache
def schema() -> dict[str, Any]:
    """Return the schema, with the problems that each operation may answer."""
    found: dict[str, Any] = deepcopy(dict(api.get_openapi_schema(path_prefix="/api/v1/")))
    found["components"]["schemas"]["Problem"] = PROBLEM
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            for parameter in operation["parameters"]:
                parameter.pop("examples", None)  # ninja writes a list, which OpenAPI does not take here
                parameter["schema"] = _present(parameter["schema"])
            statuses = [*_ALWAYS, *([404] if "{" in path else []), *([] if method == "get" else [403, 413])]
            for status in sorted(statuses):
                operation["responses"].setdefault(status, _problem(status))
            for status, answer in operation["responses"].items():
                if status >= HTTPStatus.BAD_REQUEST and "content" not in answer:
                    operation["responses"][status] = _problem(status) | answer
    return found


def _present(found: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter that is there: an optional one is left out, never null."""
    kept = {name: value for name, value in found.items() if name not in {"title", "anyOf"}}
    variants = [each for each in found.get("anyOf", []) if each != {"type": "null"}]
    if len(variants) > 1:
        return {"anyOf": variants, **kept}
    return (variants[0] if variants else {}) | kept


def _problem(status: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "content": {problems.CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        found["headers"] = {"Retry-After": {"schema": {"type": "string", "pattern": "^[0-9]+$"}}}
    return found


@method_decorator(login_not_required, name="dispatch")
class SchemaView(View):
    """The schema of the API, for holders of a token and for people who are signed in to the console."""

    async def get(self, request: HttpRequest) -> HttpResponse:
        """Answer with the schema as JSON; 401 for everybody else."""
        if not request.user.is_authenticated:
            try:
                authenticating = BEARER(request)
                if authenticating is None:
                    raise problems.unauthorized()
                await authenticating
            except ProblemError as error:
                return problems.response(error)
        return HttpResponse(to_json(schema()), content_type="application/json")


class PageView(View):
    """The schema for people, who have signed in."""

    async def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show every operation with its parameters, bodies and answers."""
        found = schema()
        context = {
            "description": found["info"]["description"],
            "operations": list(_operations(found)),
            "models": [_model(name, each) for name, each in sorted(found["components"]["schemas"].items())],
        }
        return await page(request, "api.html", context)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table: a parameter, an answer, or a field."""

    name: str
    type: str
    description: str


def _operations(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for path, methods in found["paths"].items():
        for method in _METHODS:
            if operation := methods.get(method):
                yield {
                    "id": operation["operationId"],
                    "method": method.upper(),
                    "path": path,
                    "summary": operation["summary"],
                    "description": operation.get("description", ""),
                    "parameters": [
                        Row(
                            f"{each['name']}{'' if each['required'] else ' (optional)'}",
                            f"{type_name(each['schema'])}, in {each['in']}",
                            each.get("description", ""),
                        )
                        for each in operation["parameters"]
                    ],
                    "body": _content(operation.get("requestBody", {})),
                    "answers": [
                        Row(str(status), _content(answer), answer["description"])
                        for status, answer in sorted(operation["responses"].items())
                    ],
                }


def _content(found: Mapping[str, Any]) -> str:
    return ", ".join(
        type_name(each["schema"]) if "schema" in each else kind
        for kind, each in found.get("content", {}).items()
    )


def _model(name: str, found: Mapping[str, Any]) -> dict[str, Any]:
    rows = [
        Row(field, type_name(each), each.get("description", ""))
        for field, each in found.get("properties", {}).items()
    ]
    return {
        "name": name,
        "description": found.get("description", ""),
        "rows": rows,
        "values": ", ".join(found.get("enum", [])),
    }


def type_name(found: Mapping[str, Any]) -> str:
    """Return the type of a JSON schema in words."""
    if "$ref" in found:
        return str(found["$ref"]).rpartition("/")[2]
    if "anyOf" in found:
        return " or ".join(type_name(each) for each in found["anyOf"])
    if "enum" in found:
        return "one of " + ", ".join(str(each) for each in found["enum"])
    if found.get("type") == "array":
        return f"list of {type_name(found.get('items', {}))}"
    return " ".join(str(found[key]) for key in ("type", "format") if key in found) or "anything"
