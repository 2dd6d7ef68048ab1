"""`python -m bench records`: commits recorded by the push handler, and row by row."""

from argparse import ArgumentParser, Namespace

from bench import figures, report
from bench.running import Say, django_on

HELP = "commits recorded by the push handler, and row by row"


def declare(_parser: ArgumentParser) -> None:
    """Add no options."""


def run(_arguments: Namespace, say: Say) -> int:
    """Measure and print; return 0."""
    with django_on("records", migrate=True):
        from bench import records  # noqa: PLC0415 - it needs Django's models

        found = records.run()
    say(records.rates(found))
    say(report.targets(figures.ratios(found, records.TARGETS)))
    return 0
