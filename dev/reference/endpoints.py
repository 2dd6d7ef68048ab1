"""Generates the API's endpoints from its OpenAPI schema, a table for each tag."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from api.application import api
from dev.reference.markdown import code, one_line, table

# On every list; the page explains them once.
ON_EVERY_LIST = {"cursor", "limit"}
METHODS = ("get", "post", "put", "patch", "delete")


def blocks() -> dict[str, str]:
    """Return a table of endpoints for each tag of the schema."""
    rows = defaultdict(list)
    for path, operations in sorted(api.get_openapi_schema()["paths"].items()):
        for method in METHODS:
            if operation := operations.get(method):
                [tag] = operation["tags"]
                name = code(f"{method.upper()} {path}")
                parameters = ", ".join(_parameters(operation["parameters"]))
                rows[f"api {tag}"].append((name, one_line(operation["description"]), parameters))
    head = ("endpoint", "what it does", "parameters and headers")
    return {tag: table(head, listed) for tag, listed in rows.items()}


def _parameters(parameters: list[Mapping[str, Any]]) -> Iterator[str]:
    for each in parameters:
        if each["in"] == "path" or each["name"] in ON_EVERY_LIST:
            continue
        meaning = each.get("description") or each["schema"].get("description") or ""
        yield code(each["name"]) + (f" ({one_line(meaning)})" if meaning else "")
