"""What a payload may lack without being rejected.

GitHub sends null where its documentation shows a value, and values that nothing can hold: an id beyond a
bigint, a time beyond the calendar, a user without a login. A delivery is not to be lost for what its record
can do without, so three rules hold for every schema:

- null reads as absent where a field may be absent, and is left out of a list;
- what cannot be read is null where null may stand, at the innermost such place;
- but a word outside a closed set, such as a third state of an issue, is never taken for its absence.

All else is rejected.
"""

from collections.abc import Iterator
from typing import Any, get_args, get_origin

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
    """Make null in `payload` what may be null and caused `error`; tells whether there was any such."""
    places = [
        place
        for problem in error.errors(include_url=False, include_context=False, include_input=False)
        if problem["type"] != "literal_error" and (place := _innermost(model, payload, problem["loc"]))
    ]
    for container, step in places:
        container[step] = None
    return bool(places)


def _innermost(annotation: Any, value: Any, path: tuple[int | str, ...]) -> tuple[Any, int | str] | None:
    """The innermost place on the path that may be null: the object or list, and where in it."""
    found = None
    for step in path:
        model = _model_in(annotation)
        if isinstance(value, list) and isinstance(step, int):
            annotation = _item_in(annotation)
        elif isinstance(value, dict) and step in value and model:
            annotation = dict(_fields(model))[str(step)].annotation
        else:
            break
        if type(None) in get_args(annotation):
            found = value, step
        value = value[step]
    return found


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """The fields of a model by their names in JSON."""
    return ((field.alias or name, field) for name, field in model.model_fields.items())


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that a field holds, alone, in a list, or where it may be null."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part))), None)


def _item_in(annotation: Any) -> Any:
    """What the list holds that a field holds."""
    if get_origin(annotation) is tuple:
        return get_args(annotation)[0]
    return next((item for part in get_args(annotation) if (item := _item_in(part))), None)
