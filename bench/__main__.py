"""`python -m bench ingest`: what `make bench` runs. Ends with 1 when a request or a row went missing.

`python -m bench writes` measures ways of writing a batch to PostgreSQL.
"""

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

import django
from django.core.management import call_command
from django.db import connections
from rich.console import Console

from bench import contenders, figures, ingest, machine, plot, report, servers
from bench.delivery import ROOT
from bench.processes import ContenderError

PICTURE = ROOT / "docs" / "explanation" / "ingest.svg"


def options(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    probot = Path(os.environ.get("BENCH_PROBOT", ROOT / "var" / "probot"))
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("part", choices=["ingest", "writes"])
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one round (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each contender (%(default)s)")
    parser.add_argument("--connections", type=int, default=32, help="requests under way (%(default)s)")
    parser.add_argument("--rows", type=int, default=1_000_000, help="stored rows of hookkeeper-filled")
    parser.add_argument(
        "--only", action="append", default=[], choices=contenders.everybody(probot), metavar="NAME",
        help="run this contender alone; may be repeated",
    )  # fmt: skip
    parser.add_argument("--probot", type=Path, default=probot, help="folder that holds node_modules/probot")
    parser.add_argument("--json", type=Path, default=ROOT / "var" / "bench" / "ingest.json")
    parser.add_argument("--plot", action="store_true", help="draw docs/explanation/ingest.svg")
    found = parser.parse_args(arguments)
    for name in ("seconds", "rounds", "connections", "rows"):
        if getattr(found, name) <= 0:
            parser.error(f"--{name} must be above 0")
    return found


def writes() -> int:
    """Part `writes`: on a PostgreSQL of its own, which Django has to know before it is set up."""
    with servers.started() as running:
        os.environ.update(DATABASE_URL=running.create_database("writes"), DJANGO_SETTINGS_MODULE="settings")
        django.setup()
        call_command("migrate", verbosity=0)
        from bench import writes  # noqa: PLC0415 - it needs Django's models

        writes.run((ROOT / "tests" / "payloads" / "push__branch.json").read_bytes())
        connections.close_all()
    return 0


def main(arguments: list[str]) -> int:
    """Run, print, write; gives the exit status."""
    told = options(arguments)
    if told.part == "writes":
        return writes()
    chosen = ingest.Options(
        told.seconds, told.connections, told.rounds, told.rows, tuple(told.only), told.probot.absolute()
    )
    screen = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    try:
        result = ingest.run(chosen, screen.print, machine.describe())
    except ContenderError as error:
        screen.print(f"bench: {error}", markup=False)
        return 1
    ratios = figures.ratios(result.rounds)
    screen.print(report.rates(result.rounds, result.keeps), report.targets(ratios))
    for name, reason in result.missing.items():
        screen.print(f"{name}: not installed ({reason})")
    for caution in report.cautions(result.rounds):
        screen.print(f"caution: {caution}")
    for name, value in result.machine.items():
        screen.print(f"{name}: {value}", markup=False)
    document = report.document(
        result.machine, {**asdict(chosen), "probot": None}, result.rounds, result.keeps, ratios
    )
    told.json.parent.mkdir(parents=True, exist_ok=True)
    told.json.write_text(json.dumps(document, indent=2) + "\n")
    screen.print(f"written: {told.json}")
    if told.plot:
        plot.draw(result.rounds, result.keeps, PICTURE)
        screen.print(f"drawn: {PICTURE}")
    for what in result.wrong:
        screen.print(f"WRONG: {what}", markup=False)
    if not result.wrong:
        screen.print("Every request got a 2xx, and every 2xx of a contender that keeps deliveries is a row.")
    return 1 if result.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
