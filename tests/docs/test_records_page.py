"""docs/reference/records.md says what the code does: events, their actions, models, keys and fields."""

import re

import pytest
from django.apps import apps
from django.db import models

import handlers
import records.models
import schemas
from handlers import Handler, registry
from tests.processes import ROOT

PAGE = (ROOT / "docs" / "reference" / "records.md").read_text()
MODELS = {model.__name__: model for model in apps.get_app_config("records").get_models()}
SECTIONS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", PAGE, re.M | re.S))

schemas.modules(handlers)


def actions(listed: list[Handler], event: type[schemas.Event]) -> str:
    """The actions of an event that its handlers see, as the page writes them."""
    if not event.model_fields["action"].is_required():
        return "(none)"
    if any(not handler.actions for handler in listed):
        return "all"
    return ", ".join(f"`{name}`" for name in sorted(set().union(*(handler.actions for handler in listed))))


def test_every_event_that_is_handled_is_listed_with_its_actions_and_no_other() -> None:
    handled = {
        event: actions(listed, listed[0].event)
        for event, listed in registry.handlers.items()
        if any(handler.run.__module__.startswith("handlers.") for handler in listed)
    }
    assert dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", PAGE, re.M)) == handled


def named(name: str, start: str) -> list[str]:
    """The names in a section's paragraph that begins with `start`, outside of parentheses."""
    paragraph = next(part for part in SECTIONS[name].split("\n\n") if part.strip().startswith(start))
    return re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", paragraph))


def test_every_model_has_a_section() -> None:
    assert set(SECTIONS) == set(MODELS)


def test_every_model_is_in_records_models() -> None:
    assert sorted(MODELS) == sorted(records.models.__all__)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_field_of_a_model_is_in_its_section(name: str) -> None:
    fields = {field.name for field in MODELS[name]._meta.concrete_fields} - {"id"}
    told = named(name, "Fields:")
    assert sorted(told) == sorted(fields)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_key_of_a_model_is_what_the_database_holds_to_be_unique(name: str) -> None:
    unique = {
        tuple(constraint.fields)
        for constraint in MODELS[name]._meta.constraints
        if isinstance(constraint, models.UniqueConstraint)
    } | {(field.name,) for field in MODELS[name]._meta.concrete_fields if field.unique and field.name != "id"}
    assert {tuple(named(name, "Key:"))} == unique
