"""`python -m bench bodies`: a table of its own for bodies, beside the one of today."""

import os
from argparse import ArgumentParser, Namespace

from bench.running import Say, above_0, declare_folder, django_on, finish

HELP = "a table of its own for bodies, beside the one of today"


def declare(parser: ArgumentParser) -> None:
    """Add the options of the part."""
    parser.add_argument("--rows", type=above_0(int), default=300_000, help="deliveries (%(default)s)")
    parser.add_argument("--rounds", type=above_0(int), default=5, help="of each layout (%(default)s)")
    parser.add_argument(
        "--seconds", type=above_0(float), default=2.0, help="of inserts in a round (%(default)s)"
    )
    declare_folder(parser)


def run(arguments: Namespace, say: Say) -> int:
    """Measure and print; return 0."""
    with django_on("filled", folder=arguments.folder) as running:
        from bench import bodies, bodies_apart, scale  # noqa: PLC0415 - they need Django's models

        url = os.environ["DATABASE_URL"]
        scale.prepare(running, url, arguments.rows, say)
        bodies_apart.prepare(url, say)
        if arguments.prepare:
            return 0
        found = bodies.measure(url, running, arguments.rounds, arguments.seconds, say)
    for shown in found:
        say(shown)
    return finish(say)
