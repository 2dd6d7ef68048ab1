"""Reads only those members of a JSON body that a schema has, with any values. Pure.

A body may hold millions of values that no schema reads. Python's parser makes an object of each, which takes
forty times the memory of its text.
"""

from functools import cache
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, GetCoreSchemaHandler, TypeAdapter

Schema = dict[str, Any]
"""A schema of pydantic's core: https://docs.pydantic.dev/latest/api/pydantic_core_schema/."""

_ANY: Schema = {"type": "any"}


@cache
def reader(model: type[BaseModel]) -> TypeAdapter[Any]:
    """Return an adapter for `validate_json`, which raises `pydantic.ValidationError` for other text."""
    return TypeAdapter(Annotated[Any, _Outline(model)])


class _Outline:
    """The type of the members of a schema, each of which may be absent."""

    def __init__(self, model: type[BaseModel]) -> None:
        self._model = model

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> Any:
        return _part(self._model)


def _part(annotation: Any) -> Schema:
    """Return the outline of the model in a field's type: alone, in a list, or nullable."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        parts = {
            field.alias or name: _part(field.annotation) for name, field in annotation.model_fields.items()
        }
        parts |= dict.fromkeys(getattr(annotation, "foreign", ()), _ANY)
        fields = {
            name: {"type": "typed-dict-field", "schema": part, "required": False}
            for name, part in parts.items()
        }
        return _or_any({"type": "typed-dict", "fields": fields})
    for inner in get_args(annotation):
        if (part := _part(inner)) is not _ANY:
            is_list = get_origin(annotation) is tuple
            return _or_any({"type": "list", "items_schema": part}) if is_list else part
    return _ANY


def _or_any(schema: Schema) -> Schema:
    return {"type": "union", "mode": "left_to_right", "choices": [schema, _ANY]}
