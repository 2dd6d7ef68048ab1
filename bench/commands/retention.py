"""`python -m bench retention`: how fast each stage prunes, and the space of a delivery."""

import os
from argparse import ArgumentParser, Namespace

from bench.delivery import PAYLOADS
from bench.running import Say, above_0, django_on, finish

HELP = "pruning: rate, and the space of a delivery"


def declare(parser: ArgumentParser) -> None:
    """Add the options of the part."""
    parser.add_argument("--rows", type=above_0(int), default=300_000, help="deliveries (%(default)s)")


def run(arguments: Namespace, say: Say) -> int:
    """Measure and print; return 0."""
    with django_on("retention", migrate=True):
        from bench import retention  # noqa: PLC0415 - it needs Django's models

        body = (PAYLOADS / "push__branch.json").read_bytes()
        points = retention.run(os.environ["DATABASE_URL"], arguments.rows, body, say)
    say(retention.table(points))
    return finish(say)
