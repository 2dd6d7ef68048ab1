"""`python -m bench scale`: receiver, worker, pages and pruning over millions of deliveries."""

import os
from argparse import ArgumentParser, Namespace

from bench.running import Say, above_0, declare_folder, django_on, finish

HELP = "receiver, worker, pages and pruning over millions of deliveries"


def declare(parser: ArgumentParser) -> None:
    """Add the options of the part."""
    parser.add_argument("--rows", type=above_0(int), default=1_000_000, help="deliveries (%(default)s)")
    parser.add_argument("--rounds", type=above_0(int), default=5, help="of receiver and worker (%(default)s)")
    parser.add_argument(
        "--seconds", type=float, default=3.0, help="of a round of the receiver; 0 for none (%(default)s)"
    )
    parser.add_argument(
        "--deliveries", type=int, default=4_000, help="of a round of the worker; 0 for none (%(default)s)"
    )
    parser.add_argument("--shared-buffers", default="", help="of PostgreSQL, as 4GB; otherwise its default")
    parser.add_argument(
        "--pruned", type=int, default=200_000, help="oldest deliveries to prune; 0 for none (%(default)s)"
    )
    declare_folder(parser)


def run(arguments: Namespace, say: Say) -> int:
    """Measure and print; return the exit status."""
    with django_on("filled", folder=arguments.folder, shared_buffers=arguments.shared_buffers) as running:
        from bench import scale  # noqa: PLC0415 - it needs Django's models

        filled = scale.prepare(running, os.environ["DATABASE_URL"], arguments.rows, say)
        if arguments.prepare:
            return 0
        options = scale.Options(
            arguments.rows, arguments.rounds, arguments.seconds, arguments.deliveries, arguments.pruned
        )
        result = scale.run(options, running, filled, say)
    for shown in scale.tables(result):
        say(shown)
    return finish(say, result.wrong)
