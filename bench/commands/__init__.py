"""The parts of `python -m bench`: one module each, with its help, its options, and its run."""

import importlib
import pkgutil
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from typing import Protocol, cast

from bench.running import Say


class Command(Protocol):
    """A part. Its module loads without Django and without the packages of peers, which `run` loads."""

    HELP: str

    def declare(self, parser: ArgumentParser) -> None:
        """Add the options of the part."""

    def run(self, arguments: Namespace, say: Say) -> int:
        """Measure and print; return the exit status, 1 if a request, a delivery or a row is missing."""


def commands() -> Mapping[str, Command]:
    """Return the parts by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {name: cast("Command", importlib.import_module(f"{__name__}.{name}")) for name in names}
