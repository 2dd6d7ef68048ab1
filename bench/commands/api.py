"""`python -m bench api`: the API beside DRF and plain Django views, over a large ledger."""

from argparse import ArgumentParser, Namespace

from bench import report
from bench.running import Say, above_0, finish

HELP = "the API beside DRF and plain Django views, over a large ledger"


def declare(parser: ArgumentParser) -> None:
    """Add the options of the part."""
    parser.add_argument("--rows", type=above_0(int), default=1_000_000, help="deliveries (%(default)s)")
    parser.add_argument(
        "--seconds", type=above_0(float), default=3.0, help="of each measurement (%(default)s)"
    )
    parser.add_argument("--rounds", type=above_0(int), default=3, help="of each server (%(default)s)")


def run(arguments: Namespace, say: Say) -> int:
    """Measure and print; return the exit status."""
    from bench import api  # noqa: PLC0415 - few parts need aiohttp

    result = api.run(api.Options(arguments.rows, arguments.seconds, arguments.rounds), say)
    say(api.table(result))
    say(report.targets(result.ratios()))
    say(f"cores: {result.cores}")
    return finish(say, sorted(set(result.wrong)))
