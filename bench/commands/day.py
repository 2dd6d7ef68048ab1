"""`python -m bench day`: a day of traffic in minutes, with pruning on."""

import os
from argparse import ArgumentParser, Namespace

from bench.running import Say, above_0, django_on, finish

HELP = "a day of traffic in minutes, with pruning on"


def declare(parser: ArgumentParser) -> None:
    """Add the options of the part."""
    parser.add_argument(
        "--seconds", type=above_0(float), default=600.0,
        help="of the run (%(default)s); in less than 300 the size does not become constant",
    )  # fmt: skip
    parser.add_argument(
        "--rate", type=float, default=0.0, help="deliveries a second; 0: as many as the worker settles"
    )


def run(arguments: Namespace, say: Say) -> int:
    """Measure and print; return the exit status."""
    with django_on("day") as running:
        from bench import day  # noqa: PLC0415 - it needs Django's models

        options = day.Options(arguments.seconds, arguments.rate)
        result = day.run(options, running, os.environ["DATABASE_URL"], say)
    say(day.table(result))
    return finish(say, result.wrong)
