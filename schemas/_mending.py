"""What a payload may lack without being rejected.

GitHub sends null where its documentation shows a value, and values that nothing can hold: an id beyond a
bigint, a time beyond the calendar, a user without a login. A delivery is not to be lost for what its record
can do without, so three rules hold for every schema:

- null reads as absent where a field may be absent, and is left out of a list;
- what cannot be read is null where a field may be null, by the innermost such field;
- but a word outside a closed set, such as a third state of an issue, is never taken for its absence.

All else is rejected.
"""

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo


def drop_nulls(annotation: Any, value: Any) -> None:
    """Take the nulls that may be absent out of `value`, which a field of this type is to hold."""
    model = _model_in(annotation)
    if isinstance(value, list):
        value[:] = [item for item in value if item is not None]
        for item in value if model else ():
            drop_nulls(model, item)
    elif isinstance(value, dict) and model:
        for name, field in _fields(model):
            if value.get(name) is not None:
                drop_nulls(field.annotation, value[name])
            elif not field.is_required():
                value.pop(name, None)


def drop_unreadable(model: type[BaseModel], payload: Any, error: ValidationError) -> bool:
    """Take out of `payload` what may be null and caused `error`; tells whether anything was taken out."""
    places = [
        place
        for problem in error.errors(include_url=False, include_context=False, include_input=False)
        if problem["type"] != "literal_error" and (place := _innermost(model, payload, problem["loc"]))
    ]
    for container, name in places:
        container.pop(name, None)  # several problems may lie in one field
    return bool(places)


def _innermost(
    model: type[BaseModel] | None, value: Any, path: tuple[int | str, ...]
) -> tuple[dict[str, Any], str] | None:
    """The innermost field on the path that may be null, as its object and its name in there."""
    found = None
    for step in path:
        if isinstance(step, int):
            value = value[step]
        elif model and isinstance(value, dict) and step in value:
            field = dict(_fields(model))[step]
            if not field.is_required() and type(None) in get_args(field.annotation):
                found = value, step
            model, value = _model_in(field.annotation), value[step]
    return found


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """The fields of a model by their names in JSON."""
    return ((field.alias or name, field) for name, field in model.model_fields.items())


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that a field holds, alone, in a list, or where it may be null."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part))), None)
