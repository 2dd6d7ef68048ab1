"""`python -m bench parsing`: the schemas beside githubkit's models."""

from argparse import ArgumentParser, Namespace

from bench import figures, parsing, report
from bench.running import Say

HELP = "the schemas beside githubkit's models"


def declare(_parser: ArgumentParser) -> None:
    """Add no options."""


def run(_arguments: Namespace, say: Say) -> int:
    """Measure and print; return 0."""
    result = parsing.run(say)
    say(parsing.table(result))
    say(report.targets(figures.ratios(result.whole(), parsing.TARGETS)))
    say(f"{result.refused} payloads that githubkit rejects are left out.")
    return 0
