"""Tolerates invalid optional parts of a payload.

GitHub sends null where its documentation shows a value, and invalid values: an id beyond a bigint, a time
beyond the calendar, a user without a login. An optional part must not cost the whole delivery, so every
schema follows three rules:

- null counts as absent where a field may be absent, and is removed from a list;
- an invalid value becomes null at the innermost place that may be null;
- but a word outside a closed set, such as a third state of an issue, is an error.

Everything else is rejected.
"""

from functools import cache
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

# Attempts to read a payload or an item of a list. Each finds only the first invalid item of a list.
MAX_ATTEMPTS_TO_MEND = 20
# Items of one list that are mended. GitHub lists 2048 commits; a hostile body may have millions of items.
MAX_MENDED_ITEMS = 5_000


Path = tuple[int | str, ...]


def drop_nulls(annotation: Any, value: Any) -> None:
    """Remove nulls that may be absent from `value`, the value of a field of this type."""
    model = _model_in(annotation)
    if isinstance(value, list):
        value[:] = [item for item in value if item is not None]
        for item in value if model else ():
            drop_nulls(model, item)
    elif isinstance(value, dict) and model:
        for name, field in _fields(model).items():
            if value.get(name) is not None:
                drop_nulls(field.annotation, value[name])
            elif not field.is_required():
                value.pop(name, None)


def drop_unreadable(model: type[BaseModel], payload: Any, error: ValidationError) -> list[str]:
    """Set the nullable values in `payload` that caused `error` to null; return their dotted paths."""
    paths = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        path = problem["loc"]
        if problem["type"] == "literal_error" or (place := _innermost(model, payload, path)) is None:
            continue
        container, steps = place
        container[steps[-1]] = None
        paths += [".".join(map(str, steps)), *_mend_rest(model, payload, path)]
    return paths


def _mend_rest(annotation: Any, value: Any, path: Path) -> list[str]:
    """Mend the items after the invalid one on the path, because validation stops at the first."""
    paths: list[str] = []
    for place, step in enumerate(path):
        model = _model_in(annotation)
        if isinstance(value, list) and isinstance(step, int):
            optional = type(None) in get_args(_item_in(annotation))
            before = "".join(f"{name}." for name in path[:place])
            for at in range(step + 1, min(len(value), step + MAX_MENDED_ITEMS) if model else 0):
                mended = _mend_item(model, value[at]) if model else None
                if mended is None and not optional:
                    break
                if mended is None:
                    value[at], mended = None, [""]
                paths += [f"{before}{at}.{name}".rstrip(".") for name in mended]
            break
        field = _fields(model).get(str(step)) if model else None
        if field is None or not isinstance(value, dict):
            break
        annotation, value = field.annotation, value[step]
    return paths


def _mend_item(model: type[BaseModel], item: Any) -> list[str] | None:
    """Mend one item of a list; return the paths in it, or None if it stays invalid."""
    paths: list[str] = []
    for _ in range(MAX_ATTEMPTS_TO_MEND):
        try:
            model.model_validate(item)
        except ValidationError as error:
            mended = drop_unreadable(model, item, error) if isinstance(item, dict) else []
            if not mended:
                return None
            paths += mended
        else:
            return paths
    return None


def _innermost(annotation: Any, value: Any, path: Path) -> tuple[Any, Path] | None:
    """Return the innermost place on the path that may be null: the object or list, and the path to it."""
    found = None
    for place, step in enumerate(path):
        model = _model_in(annotation)
        if isinstance(value, list) and isinstance(step, int):
            annotation = _item_in(annotation)
        elif isinstance(value, dict) and step in value and model and (field := _fields(model).get(str(step))):
            annotation = field.annotation
        else:
            break
        if type(None) in get_args(annotation):
            found = value, path[: place + 1]
        value = value[step]
    return found


@cache
def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields of a model by their names in JSON."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


@cache
def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model in a field's type, alone, in a list, or nullable."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part))), None)


def _item_in(annotation: Any) -> Any:
    """Return the item type of the list in a field's type."""
    if get_origin(annotation) is tuple:
        return get_args(annotation)[0]
    return next((item for part in get_args(annotation) if (item := _item_in(part))), None)
