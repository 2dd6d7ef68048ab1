"""`python -m bench writes`: ways of writing a batch to PostgreSQL."""

from argparse import ArgumentParser, Namespace

from bench.delivery import PAYLOADS
from bench.running import Say, django_on

HELP = "ways of writing a batch to PostgreSQL"


def declare(_parser: ArgumentParser) -> None:
    """Add no options."""


def run(_arguments: Namespace, _say: Say) -> int:
    """Measure and print; return 0."""
    with django_on("writes", migrate=True):
        from bench import writes  # noqa: PLC0415 - it needs Django's models

        writes.run((PAYLOADS / "push__branch.json").read_bytes())
    return 0
