"""The command of `make bench`: `python -m bench PART`. Each part is a module of `bench.commands`."""

import argparse
import sys

from rich.console import Console, RenderableType

from bench.commands import commands
from bench.processes import ContenderError


def options(arguments: list[str]) -> argparse.Namespace:
    """Return the parsed command line; its `run` is the function of the part."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure a part of Hookkeeper.")
    parts = parser.add_subparsers(metavar="PART", required=True)
    for name, command in commands().items():
        part = parts.add_parser(name, help=command.HELP, description=command.__doc__)
        command.declare(part)
        part.set_defaults(run=command.run)
    return parser.parse_args(arguments)


def main(argv: list[str]) -> int:
    """Run a part, print and write its results; return the exit status."""
    arguments = options(argv)
    screen = Console(width=None if sys.stdout.isatty() else 160, highlight=False)

    def say(what: RenderableType) -> None:
        screen.print(what, markup=False)

    try:
        status: int = arguments.run(arguments, say)
    except ContenderError as error:
        say(f"bench: {error}")
        status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
