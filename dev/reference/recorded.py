"""Generates events and records from the handlers, the schemas of their events, and the models."""

import ast
import inspect
import sys
from collections.abc import Iterator

from django.apps import apps
from django.db import models

import handlers
import schemas
from dev.reference import columns
from dev.reference.markdown import code, one_line, table
from handlers import Handler, registry


def blocks() -> dict[str, str]:
    """Return the table of events, and a section for each model."""
    schemas.modules(handlers)  # registers the handlers
    events = table(("event", "sent when", "actions", "writes", "what its handlers do"), _events())
    return {"events": events, "models": "\n\n".join(_models())}


def _events() -> Iterator[tuple[str, ...]]:
    for event, listed in sorted(registry.handlers.items()):
        schema = listed[0].event
        sent_when = one_line((sys.modules[schema.__module__].__doc__ or "").partition("`: ")[2])
        does = " ".join(one_line(inspect.getdoc(handler.run)) for handler in listed)
        yield code(event), sent_when, _actions(listed, schema), written(listed), does


def _actions(listed: list[Handler], event: type[schemas.Event]) -> str:
    """Return the actions that the handlers of an event accept."""
    if not event.model_fields["action"].is_required():
        return "(none)"
    if any(not handler.actions for handler in listed):
        return "all"
    return ", ".join(code(name) for name in sorted(set().union(*(handler.actions for handler in listed))))


def written(listed: list[Handler]) -> str:
    """Return the models whose managers the module of the handlers uses, or a function that it shares."""
    own = sys.modules[listed[0].run.__module__]
    shared = {value.__module__ for value in vars(own).values() if inspect.isfunction(value)}
    used = {
        node.value.id
        for name in {own.__name__} | {name for name in shared if name.startswith("handlers.")}
        for node in ast.walk(ast.parse(inspect.getsource(sys.modules[name])))
        if isinstance(node, ast.Attribute) and node.attr == "objects" and isinstance(node.value, ast.Name)
    }
    return ", ".join(map(code, sorted(used)))


def _models() -> Iterator[str]:
    for model in sorted(apps.get_app_config("records").get_models(), key=lambda each: each.__name__):
        key = ", ".join(map(code, _key(model)))
        what = one_line(inspect.getdoc(model))
        yield f"### {model.__name__}\n\n{what}\n\nKey: {key}.\n\n{columns.of(model)}"


def _key(model: type[models.Model]) -> tuple[str, ...]:
    """Return the fields that are unique together. Raises `ValueError` unless that is one set."""
    unique = [
        constraint.fields
        for constraint in model._meta.constraints
        if isinstance(constraint, models.UniqueConstraint)
    ]
    if isinstance(model._meta.pk, models.CompositePrimaryKey):
        unique.append(model._meta.pk.field_names)
    if len(unique) != 1:
        raise ValueError(f"{model.__name__} must have one key: {unique}")
    return tuple(unique[0])
