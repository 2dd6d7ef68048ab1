"""`python -m bench console`: the console's pages over a large ledger."""

from argparse import ArgumentParser, Namespace

from bench.running import Say, above_0, finish

HELP = "the console's pages over a large ledger"


def declare(parser: ArgumentParser) -> None:
    """Add the options of the part."""
    parser.add_argument("--rows", type=above_0(int), default=1_000_000, help="deliveries (%(default)s)")
    parser.add_argument("--requests", type=above_0(int), default=40, help="of each page (%(default)s)")
    parser.add_argument("--seconds", type=above_0(float), default=15.0, help="of a round (%(default)s)")
    parser.add_argument("--rounds", type=above_0(int), default=3, help="of the receiver (%(default)s)")


def run(arguments: Namespace, say: Say) -> int:
    """Measure and print; return the exit status."""
    from bench import console  # noqa: PLC0415 - few parts need aiohttp

    options = console.Options(arguments.rows, arguments.requests, arguments.seconds, arguments.rounds)
    result = console.run(options, say)
    say(console.pages(result))
    say(f"receiver with {console.BROWSERS} browsers / alone: {result.share:.3f}, at least {console.SHARE}")
    say(f"{result.refreshes} refreshes; cores: {result.cores}")
    return finish(say, result.wrong)
