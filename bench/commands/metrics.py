"""`python -m bench metrics`: what metrics and JSON logs cost the receiver."""

from argparse import ArgumentParser, Namespace

from bench import metrics, report
from bench.running import Say, above_0, finish

HELP = "the receiver with metrics and JSON logs, and without"


def declare(parser: ArgumentParser) -> None:
    """Add the options of the part."""
    parser.add_argument("--seconds", type=above_0(float), default=1.0, help="of a round (%(default)s)")
    parser.add_argument("--rounds", type=above_0(int), default=15, help="of each (%(default)s)")


def run(arguments: Namespace, say: Say) -> int:
    """Measure and print; return the exit status."""
    result = metrics.run(metrics.Options(arguments.seconds, arguments.rounds), say)
    say(report.rates(result.rounds, metrics.keeps()))
    say(report.targets(result.ratios()))
    say(f"CPU for a delivery with / without: {result.cpu_share():.3f}")
    say(f"the hook alone: {result.hook * 1e6:.2f} µs of CPU, {result.hook_share():.1%} of a delivery's")
    for caution in metrics.cautions(result):
        say(f"caution: {caution}")
    return finish(say, result.wrong)
