"""Finds the event classes of a package at start-up."""

import importlib
import pkgutil
from types import ModuleType

from pydantic import PydanticUndefinedAnnotation

from schemas._base import Event


class DiscoveryError(Exception):
    """A module of `schemas/` or `handlers/` breaks a rule, so the process must not start."""


def modules(package: ModuleType) -> list[ModuleType]:
    """Import and return the package's modules in the order of their names, without private ones."""
    names = sorted(info.name for info in pkgutil.iter_modules(package.__path__) if info.name[0] != "_")
    return [importlib.import_module(f"{package.__name__}.{name}") for name in names]


def discover(package: ModuleType) -> dict[str, type[Event]]:
    """Return the event classes by the name of the event, which is the name of the file.

    Raises `DiscoveryError` for a file that does not define exactly one event of its own name, or whose event
    has a field of a type that exists for type checkers alone.
    """
    found: dict[str, type[Event]] = {}
    for module in modules(package):
        name = module.__name__.rpartition(".")[2]
        classes = [
            value
            for value in vars(module).values()
            if isinstance(value, type) and issubclass(value, Event) and value.__module__ == module.__name__
        ]
        if [cls.event for cls in classes] != [name]:
            listed = ", ".join(f"{cls.__name__} ({cls.event!r})" for cls in classes) or "none"
            raise DiscoveryError(
                f"{module.__name__} must define exactly one Event, for {name!r}; it defines: {listed}."
            )
        try:
            classes[0].model_rebuild()  # which pydantic else does at the first payload
        except PydanticUndefinedAnnotation as error:
            raise DiscoveryError(
                f"{module.__name__} has a field of a type that is not known at run time: {error.name}"
            ) from error
        found[name] = classes[0]
    return found
