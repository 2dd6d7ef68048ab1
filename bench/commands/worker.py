"""`python -m bench worker`: the worker beside its peers."""

from argparse import ArgumentParser, Namespace

from bench import cores, figures, machine, queues, report
from bench.running import Say, above_0, declare_comparison, django_on, finish_comparison

HELP = "the worker beside its peers; 0 leaves a measurement out"
# `bench.workers` has the same names; it cannot be loaded before Django is set up.
CONTENDERS = (
    "hookkeeper",
    "hookkeeper-half",
    "hookkeeper-two",
    *(f"naive-{on}" for on in queues.CLIENTS),
    "empty-arq",
    "hookkeeper-arq",
)


def declare(parser: ArgumentParser) -> None:
    """Add the options of the part."""
    parser.add_argument(
        "--deliveries", type=above_0(int), default=10_000,
        help="of a round; slower peers get a share of them (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--samples", type=int, default=10, help="deliveries of a round when idle (%(default)s)"
    )
    parser.add_argument(
        "--load-seconds", type=float, default=4.0, help="of a round at half load (%(default)s)"
    )
    parser.add_argument(
        "--memory", type=int, default=100_000, help="deliveries over which memory is watched (%(default)s)"
    )
    declare_comparison(parser, CONTENDERS, "worker.json")


def run(arguments: Namespace, say: Say) -> int:
    """Measure and print; return the exit status."""
    found, split = machine.describe(), cores.split(two=True)
    with cores.on(split.rest), django_on("hookkeeper") as running:
        from bench import worker, worker_report, workers  # noqa: PLC0415 - they need Django's models

        chosen = worker.Options(
            arguments.deliveries,
            arguments.rounds,
            arguments.samples,
            arguments.load_seconds,
            arguments.memory,
            tuple(arguments.only),
        )
        result = worker.run(chosen, split, running, say, found)
    ratios = figures.ratios(result.figures(), figures.worker(workers.one_of_two(split)))
    for table in (worker_report.drains(result), worker_report.latencies(result), report.targets(ratios)):
        say(table)
    if result.memory:
        say(worker_report.memory(result))
    document = worker_report.document(result, ratios)
    cautions = worker_report.cautions(result)
    status = finish_comparison(arguments, say, result.machine, cautions, document, result.wrong)
    if not status:
        say("Every delivery was done, and every record is there.")
    return status
