"""The schema of the API as OpenAPI: django-ninja's, with problems and examples."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from http import HTTPStatus
from typing import Any

from api import examples, problems
from api.application import JSON, api

_PROBLEM = {
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
}
_REFERENCE = re.compile('"#/components/schemas/([^"]+)"')
_ALWAYS = (400, 401, 422, 429, 503)
_WITH_BODY = (413, 415)


@cache
def schema() -> dict[str, Any]:
    """Return the schema, with the problems that each operation may answer, and an example of each body."""
    found: dict[str, Any] = deepcopy(dict(api.get_openapi_schema(path_prefix="/api/v1/")))
    components = found["components"]["schemas"]
    components["Problem"] = _PROBLEM
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            for parameter in operation["parameters"]:
                parameter.pop("examples", None)  # ninja writes a list, which OpenAPI does not take here
                parameter["schema"] = _present(parameter["schema"])
                if description := parameter["schema"].get("description"):
                    parameter["description"] = description
            for status in sorted(_statuses(path, method, operation)):
                operation["responses"].setdefault(status, _problem(status))
            for status, answer in operation["responses"].items():
                if status >= HTTPStatus.BAD_REQUEST and "content" not in answer:
                    operation["responses"][status] = _problem(status) | answer
            for content in (operation.get("requestBody", {}), *operation["responses"].values()):
                body = content.get("content", {}).get(JSON)
                if body is not None:
                    body["example"] = examples.of(body["schema"], components)
    # Ninja also lists the models of parameters, to which nothing refers.
    found["components"]["schemas"] = {
        name: components[name] for name in sorted(_used(found["paths"], components))
    }
    return found


def _used(paths: Any, components: dict[str, Any]) -> set[str]:
    """Return the names of the models to which the paths refer, and those of the models in them."""
    names: set[str] = set()
    parts = [paths]
    while parts:
        found = set(_REFERENCE.findall(json.dumps(parts.pop()))) - names
        names |= found
        parts += [components[name] for name in found]
    return names


def _statuses(path: str, method: str, operation: dict[str, Any]) -> Iterator[int]:
    yield from _ALWAYS
    if "{" in path:
        yield HTTPStatus.NOT_FOUND
    if method != "get":
        yield HTTPStatus.FORBIDDEN
    if "requestBody" in operation:
        yield from _WITH_BODY


def _present(found: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter that is there: an optional one is left out, never null."""
    kept = {name: value for name, value in found.items() if name not in {"title", "anyOf"}}
    variants = [each for each in found.get("anyOf", []) if each != {"type": "null"}]
    if len(variants) > 1:
        return {"anyOf": variants, **kept}
    return (variants[0] if variants else {}) | kept


def _problem(status: int) -> dict[str, Any]:
    known = HTTPStatus(status)
    example: dict[str, Any] = {
        "type": "about:blank",
        "title": known.phrase,
        "status": status,
        "detail": known.description or known.phrase,
    }
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        wrong = "Input should be less than or equal to 200"
        example |= {"detail": f"query.limit: {wrong}", "errors": [{"at": "query.limit", "detail": wrong}]}
    reference = {"$ref": "#/components/schemas/Problem"}
    found: dict[str, Any] = {
        "description": known.phrase,
        "content": {problems.CONTENT_TYPE: {"schema": reference, "example": example}},
    }
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        found["headers"] = {"Retry-After": {"schema": {"type": "string", "pattern": "^[0-9]+$"}}}
    return found
