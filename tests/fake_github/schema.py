"""Completes an object by GitHub's published schema, so that an answer has every field that GitHub sends."""

from datetime import date, datetime
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

MOMENT = "2026-01-01T00:00:00Z"
Fields = dict[str, Any]


def complete(model: type[BaseModel], fields: Fields) -> Fields:
    """Return the fields with all that the schema requires, also in nested objects."""
    found = dict(fields)
    for name, field in model.model_fields.items():
        key = field.alias or name
        if key in found:
            found[key] = _completed(field.annotation, found[key])
        elif field.is_required():
            found[key] = _default(field.annotation)
    return found


def _completed(kind: Any, value: Any) -> Any:
    model = next((one for one in _choices(kind) if _is_model(one)), None)
    if isinstance(value, dict) and model is not None:
        return complete(model, value)
    if isinstance(value, list):
        items = next((get_args(one)[0] for one in _choices(kind) if get_origin(one) is list), None)
        return [_completed(items, item) for item in value]
    return value


def _default(kind: Any) -> Any:
    choices = _choices(kind)
    if NoneType in choices:
        return None
    first = choices[0]
    if _is_model(first):
        return dict(_template(first))
    if get_origin(first) is Literal:
        return get_args(first)[0]
    by_type = {str: "https://api.github.com/of-the-schema", int: 0, float: 0.0, bool: False}
    if first in {datetime, date}:
        return MOMENT
    return by_type.get(first, [] if get_origin(first) is list else {})


@lru_cache
def _template(model: type[BaseModel]) -> Fields:
    return complete(model, {})


def _choices(kind: Any) -> list[Any]:
    """Return the members of a union; of anything else, itself. Markers of absent values are left out."""
    if get_origin(kind) is Annotated:
        return _choices(get_args(kind)[0])
    if get_origin(kind) in {Union, UnionType}:
        return [choice for one in get_args(kind) for choice in _choices(one)]
    return [] if "UNSET" in str(kind).upper() else [kind]


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
