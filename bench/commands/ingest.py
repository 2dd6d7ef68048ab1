"""`python -m bench ingest`: the receiver beside its peers."""

import os
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path

from bench import contenders, figures, ingest, machine, plot, report
from bench.delivery import ROOT
from bench.running import Say, above_0, declare_comparison, finish_comparison

HELP = "the receiver beside its peers"
PICTURE = ROOT / "docs" / "explanation" / "ingest.svg"


def declare(parser: ArgumentParser) -> None:
    """Add the options of the part."""
    probot = Path(os.environ.get("BENCH_PROBOT", ROOT / "var" / "probot"))
    parser.add_argument("--seconds", type=above_0(float), default=3.0, help="of a round (%(default)s)")
    parser.add_argument(
        "--connections", type=above_0(int), default=32, help="requests under way (%(default)s)"
    )
    parser.add_argument(
        "--rows", type=above_0(int), default=1_000_000, help="stored rows of hookkeeper-filled"
    )
    parser.add_argument("--probot", type=Path, default=probot, help="folder that holds node_modules/probot")
    parser.add_argument("--plot", action="store_true", help="draw docs/explanation/ingest.svg")
    declare_comparison(parser, list(contenders.all_contenders(probot)), "ingest.json")


def run(arguments: Namespace, say: Say) -> int:
    """Measure and print; return the exit status."""
    chosen = ingest.Options(
        arguments.seconds,
        arguments.connections,
        arguments.rounds,
        arguments.rows,
        tuple(arguments.only),
        arguments.probot.absolute(),
    )
    result = ingest.run(chosen, say, machine.describe())
    ratios = figures.ratios(figures.ingest(result.rounds), figures.INGEST)
    say(report.rates(result.rounds, result.keeps))
    say(report.targets(ratios))
    for name, reason in result.missing.items():
        say(f"{name}: not installed ({reason})")
    cautions = report.cautions(result.rounds)
    document = report.document(
        result.machine, {**asdict(chosen), "probot": None}, result.rounds, result.keeps, ratios
    )
    status = finish_comparison(arguments, say, result.machine, cautions, document, result.wrong)
    if arguments.plot:
        plot.draw(result.rounds, result.keeps, PICTURE)
        say(f"drawn: {PICTURE}")
    if not status:
        say("Every request got a 2xx, and every 2xx of a contender that keeps deliveries is a row.")
    return status
