"""The schema of the API as OpenAPI, and a page that shows it: no script, and nothing from elsewhere."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from pydantic_core import to_json

from api import problems
from api.application import BEARER, JSON
from api.openapi import schema
from api.problems import ProblemError
from console.pages import page

_METHODS = ("get", "post", "put", "patch", "delete")


# Without a method that changes anything, a refusal of CSRF would only hide the 405.
@method_decorator([login_not_required, csrf_exempt], name="dispatch")
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


@method_decorator(csrf_exempt, name="dispatch")
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
                    "examples": list(_examples(operation)),
                    "answers": [
                        Row(str(status), _content(answer), answer["description"])
                        for status, answer in sorted(operation["responses"].items())
                    ],
                }


def _examples(operation: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the examples of the body and of the answers that are no errors, as text."""
    answers = sorted(operation["responses"].items())
    contents = [("Body", operation.get("requestBody", {})), *((f"Answer {at}", each) for at, each in answers)]
    for name, found in contents:
        body = found.get("content", {}).get(JSON)
        if body is not None:
            yield name, json.dumps(body["example"], indent=2, ensure_ascii=False)


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
    for several in ("anyOf", "oneOf"):
        if several in found:
            return " or ".join(type_name(each) for each in found[several])
    if "enum" in found:
        return "one of " + ", ".join(str(each) for each in found["enum"])
    if found.get("type") == "array":
        return f"list of {type_name(found.get('items', {}))}"
    return " ".join(str(found[key]) for key in ("type", "format") if key in found) or "anything"
