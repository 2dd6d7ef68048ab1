"""What a payload may lack without being rejected.

GitHub sends null where its documentation shows a value, and values that nothing can hold: an id beyond a
bigint, a time beyond the calendar, a user without a login. A delivery is not to be lost for what its record
can do without, so three rules hold for every schema, and what they do not excuse is rejected:

- null reads as absent where a field may be absent;
- what cannot be read is null where a field may be null, by the innermost such field;
- null in a list is left out.
"""

from typing import Any, get_args

from pydantic import BaseModel, ValidationError


def mend(model: type[BaseModel], payload: Any, error: ValidationError) -> bool:
    """Take out of `payload` what may be absent and caused `error`; tells whether anything was taken out."""
    lists: dict[int, list[Any]] = {}
    places = [
        _spare(model, payload, problem["loc"], lists)
        for problem in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    for place in places:
        if place is not None:
            container, name = place
            container.pop(name, None)  # several problems may lie in one field
    nulls = False
    for items in lists.values():
        kept = [item for item in items if item is not None]
        nulls |= len(kept) < len(items)
        items[:] = kept
    return nulls or any(places)


def _spare(
    model: type[BaseModel] | None, value: Any, path: tuple[int | str, ...], lists: dict[int, list[Any]]
) -> tuple[dict[str, Any], str] | None:
    """The innermost field on the path that may be absent; lists in the way are added to `lists`."""
    found = None
    for step in path:
        if isinstance(value, list) and isinstance(step, int):
            value = value[step]
            continue
        field = model.model_fields.get(str(step)) if model else None
        if field is None or not isinstance(value, dict) or step not in value:
            break
        container, value = value, value[step]
        if not field.is_required() and (value is None or type(None) in get_args(field.annotation)):
            found = container, str(step)
        if isinstance(value, list):
            lists[id(value)] = value
        model = _model_in(field.annotation)
    return found


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that a field holds, alone, in a tuple, or as one of a union with None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part))), None)
