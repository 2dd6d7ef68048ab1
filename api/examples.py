"""The examples in the schema: a document for each body and each answer. Pure, but for the file of them."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("examples.json")
_REFERENCE = "#/components/schemas/"


@cache
def _documents() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_FILE.read_text())
    return found


def of(schema: Mapping[str, Any], components: Mapping[str, Mapping[str, Any]]) -> Any:
    """Return a document that a schema allows: the one of its name in the file, or one made of its parts."""
    if reference := schema.get("$ref", "").removeprefix(_REFERENCE):
        known = _documents()
        return known[reference] if reference in known else of(components[reference], components)
    if variants := schema.get("oneOf"):
        return of(variants[0], components)
    if "properties" in schema:
        return {name: _value(each, components) for name, each in schema["properties"].items()}
    return None


def _value(schema: Mapping[str, Any], components: Mapping[str, Mapping[str, Any]]) -> Any:
    """Return the value of a list, or null for what may be."""
    return [of(schema["items"], components)] if schema.get("type") == "array" else of(schema, components)
