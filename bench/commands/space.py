"""`python -m bench space`: bytes that a delivery writes and leaves, index by index, and of its body."""

import os
from argparse import ArgumentParser, Namespace

from bench.running import Say, django_on

HELP = "bytes that a delivery writes and leaves, and each index's part"


def declare(_parser: ArgumentParser) -> None:
    """Add no options."""


def run(_arguments: Namespace, say: Say) -> int:
    """Measure and print; return 0."""
    os.environ.setdefault("COMPRESS_WITH_DICTIONARY", "on")
    with django_on("space", migrate=True):
        from bench import compression, space  # noqa: PLC0415 - they need Django's models

        found = space.run(os.environ["DATABASE_URL"], say)
    say(space.table(found))
    say(compression.table())
    return 0
