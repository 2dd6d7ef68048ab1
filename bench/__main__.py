"""The command of `make bench`: `python -m bench ingest`, then `python -m bench worker`.

Both exit with 1 if a request, a delivery or a row is missing. `python -m bench writes` measures ways of
writing a batch to PostgreSQL, `python -m bench console` the console's pages and `python -m bench api` the API
over a large ledger, `python -m bench metrics` what metrics and JSON logs cost the receiver, `python -m bench
retention` pruning, `python -m bench space` the bytes of a delivery, `python -m bench scale` all of them
beside an empty ledger, `python -m bench day` a day of traffic with pruning, `python -m bench bodies` a table
of its own for bodies, `python -m bench records` the recording of commits, `python -m bench parsing` the
schemas beside githubkit's models.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import django
from django.core.management import call_command
from django.db import connections
from rich.console import Console, RenderableType

from bench import comparison, contenders, cores, figures, ingest, machine, plot, queues, report, servers
from bench.delivery import ROOT, SECRET
from bench.processes import ContenderError

PICTURE = ROOT / "docs" / "explanation" / "ingest.svg"
WRITTEN = ROOT / "var" / "bench"
WORKERS = (
    "hookkeeper",
    "hookkeeper-half",
    "hookkeeper-two",
    *(f"naive-{on}" for on in queues.CLIENTS),
    "empty-arq",
)

Say = Callable[[RenderableType], None]


def options(arguments: list[str]) -> argparse.Namespace:
    """Return the parsed command line."""
    probot = Path(os.environ.get("BENCH_PROBOT", ROOT / "var" / "probot"))
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parts = parser.add_subparsers(dest="part", required=True)
    one = parts.add_parser("ingest", help="the receiver beside its peers")
    one.add_argument("--seconds", type=_above_0(float), default=3.0, help="of a round (%(default)s)")
    one.add_argument("--connections", type=_above_0(int), default=32, help="requests under way (%(default)s)")
    one.add_argument("--rows", type=_above_0(int), default=1_000_000, help="stored rows of hookkeeper-filled")
    one.add_argument("--probot", type=Path, default=probot, help="folder that holds node_modules/probot")
    one.add_argument("--plot", action="store_true", help="draw docs/explanation/ingest.svg")
    two = parts.add_parser("worker", help="the worker beside its peers; 0 leaves a measurement out")
    two.add_argument(
        "--deliveries", type=_above_0(int), default=10_000,
        help="of a round; slower peers get a share of them (%(default)s)",
    )  # fmt: skip
    two.add_argument("--samples", type=int, default=10, help="deliveries of a round when idle (%(default)s)")
    two.add_argument("--load-seconds", type=float, default=4.0, help="of a round at half load (%(default)s)")
    two.add_argument(
        "--memory", type=int, default=100_000, help="deliveries over which memory is watched (%(default)s)"
    )
    _beside_peers(one, list(contenders.all_contenders(probot)), WRITTEN / "ingest.json")
    _beside_peers(two, [*WORKERS, "hookkeeper-arq"], WRITTEN / "worker.json")
    three = parts.add_parser("console", help="the console's pages over a large ledger")
    three.add_argument("--rows", type=_above_0(int), default=1_000_000, help="deliveries (%(default)s)")
    three.add_argument("--requests", type=_above_0(int), default=40, help="of each page (%(default)s)")
    three.add_argument("--seconds", type=_above_0(float), default=15.0, help="of a round (%(default)s)")
    three.add_argument("--rounds", type=_above_0(int), default=3, help="of the receiver (%(default)s)")
    four = parts.add_parser("api", help="the API beside DRF and plain Django views, over a large ledger")
    four.add_argument("--rows", type=_above_0(int), default=1_000_000, help="deliveries (%(default)s)")
    four.add_argument(
        "--seconds", type=_above_0(float), default=3.0, help="of each measurement (%(default)s)"
    )
    four.add_argument("--rounds", type=_above_0(int), default=3, help="of each server (%(default)s)")
    six = parts.add_parser("metrics", help="the receiver with metrics and JSON logs, and without")
    six.add_argument("--seconds", type=_above_0(float), default=1.0, help="of a round (%(default)s)")
    six.add_argument("--rounds", type=_above_0(int), default=15, help="of each (%(default)s)")
    five = parts.add_parser("retention", help="pruning: rate, and the space of a delivery")
    five.add_argument("--rows", type=_above_0(int), default=300_000, help="deliveries (%(default)s)")
    six = parts.add_parser("scale", help="receiver, worker, pages and pruning over millions of deliveries")
    six.add_argument("--rows", type=_above_0(int), default=1_000_000, help="deliveries (%(default)s)")
    six.add_argument("--rounds", type=_above_0(int), default=5, help="of receiver and worker (%(default)s)")
    six.add_argument("--seconds", type=float, default=3.0, help="of a round of the receiver; 0 for none")
    six.add_argument("--deliveries", type=int, default=4_000, help="of a round of the worker; 0 for none")
    six.add_argument("--shared-buffers", default="", help="of PostgreSQL, as 4GB; otherwise its default")
    six.add_argument("--pruned", type=int, default=200_000, help="oldest deliveries to prune; 0 for none")
    eight = parts.add_parser("bodies", help="a table of its own for bodies, beside the one of today")
    eight.add_argument("--rows", type=_above_0(int), default=300_000, help="deliveries (%(default)s)")
    eight.add_argument("--rounds", type=_above_0(int), default=5, help="of each layout (%(default)s)")
    eight.add_argument("--seconds", type=_above_0(float), default=2.0, help="of inserts in a round")
    for part in (six, eight):
        part.add_argument("--folder", type=Path, help="keep the filled database here, and use it again")
        part.add_argument("--prepare", action="store_true", help="only fill the database of --folder")
    seven = parts.add_parser("day", help="a day of traffic in minutes, with pruning on")
    seven.add_argument("--seconds", type=_above_0(float), default=600.0, help="of the run (%(default)s)")
    seven.add_argument(
        "--rate", type=float, default=0.0, help="deliveries a second; 0: as many as the worker settles"
    )
    for name, about in (
        ("writes", "ways of writing a batch to PostgreSQL"),
        ("records", "commits recorded by the push handler, and row by row"),
        ("parsing", "the schemas beside githubkit's models"),
        ("space", "bytes that a delivery writes and leaves, and each index's part"),
    ):
        parts.add_parser(name, help=about)
    return parser.parse_args(arguments)


def _beside_peers(part: argparse.ArgumentParser, names: Sequence[str], written: Path) -> None:
    """Add the options of a part with several contenders, whose run is written as JSON."""
    part.add_argument("--rounds", type=_above_0(int), default=5, help="of each contender (%(default)s)")
    part.add_argument(
        "--only", action="append", default=[], choices=names, metavar="NAME",
        help="run this contender alone; may be repeated",
    )  # fmt: skip
    part.add_argument("--json", type=Path, default=written, metavar="FILE", help="where the run is written")
    part.add_argument(
        "--compare", type=_document, metavar="FILE", help="print the changes since the run of this JSON file"
    )


def measure_ingest(arguments: argparse.Namespace, say: Say) -> int:
    """Run the part `ingest`; return the exit status."""
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
    status = finish(arguments, say, result.machine, cautions, document, result.wrong)
    if arguments.plot:
        plot.draw(result.rounds, result.keeps, PICTURE)
        say(f"drawn: {PICTURE}")
    if not status:
        say("Every request got a 2xx, and every 2xx of a contender that keeps deliveries is a row.")
    return status


def measure_worker(arguments: argparse.Namespace, say: Say) -> int:
    """Run the part `worker`; return the exit status."""
    found, split = machine.describe(), cores.split(two=True)
    with cores.on(split.rest), servers.started() as running:
        _set_up_django(running, "hookkeeper")
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
        connections.close_all()
    ratios = figures.ratios(result.figures(), figures.worker(workers.one_of_two(split)))
    for table in (worker_report.drains(result), worker_report.latencies(result), report.targets(ratios)):
        say(table)
    if result.memory:
        say(worker_report.memory(result))
    document = worker_report.document(result, ratios)
    status = finish(arguments, say, result.machine, worker_report.cautions(result), document, result.wrong)
    if not status:
        say("Every delivery was done, and every record is there.")
    return status


def measure_console(arguments: argparse.Namespace, say: Say) -> int:
    """Run the part `console`; return the exit status."""
    from bench import console  # noqa: PLC0415 - no other part needs aiohttp

    options = console.Options(arguments.rows, arguments.requests, arguments.seconds, arguments.rounds)
    result = console.run(options, say)
    say(console.pages(result))
    say(f"receiver with {console.BROWSERS} browsers / alone: {result.share:.3f}, at least {console.SHARE}")
    say(f"{result.refreshes} refreshes; cores: {result.cores}")
    for name, value in machine.describe().items():
        say(f"{name}: {value}")
    for what in result.wrong:
        say(f"WRONG: {what}")
    return 1 if result.wrong else 0


def measure_api(arguments: argparse.Namespace, say: Say) -> int:
    """Run the part `api`; return the exit status."""
    from bench import api  # noqa: PLC0415 - no other part needs aiohttp

    result = api.run(api.Options(arguments.rows, arguments.seconds, arguments.rounds), say)
    say(api.table(result))
    say(report.targets(result.ratios()))
    say(f"cores: {result.cores}")
    for name, value in machine.describe().items():
        say(f"{name}: {value}")
    for what in sorted(set(result.wrong)):
        say(f"WRONG: {what}")
    return 1 if result.wrong else 0


def measure_metrics(arguments: argparse.Namespace, say: Say) -> int:
    """Run the part `metrics`; return the exit status."""
    from bench import metrics  # noqa: PLC0415 - like the other parts

    result = metrics.run(metrics.Options(arguments.seconds, arguments.rounds), say)
    say(report.rates(result.rounds, metrics.keeps()))
    say(report.targets(result.ratios()))
    say(f"CPU for a delivery with / without: {result.cpu_share():.3f}")
    say(f"the hook alone: {result.hook * 1e6:.2f} µs of CPU, {result.hook_share():.1%} of a delivery's")
    for caution in metrics.cautions(result):
        say(f"caution: {caution}")
    for name, value in machine.describe().items():
        say(f"{name}: {value}")
    for what in result.wrong:
        say(f"WRONG: {what}")
    return 1 if result.wrong else 0


def measure_writes(_arguments: argparse.Namespace, _say: Say) -> int:
    """Run the part `writes`."""
    with servers.started() as running:
        _set_up_django(running, "writes")
        call_command("migrate", verbosity=0)
        from bench import writes  # noqa: PLC0415 - it needs Django's models

        writes.run((ROOT / "tests" / "payloads" / "push__branch.json").read_bytes())
        connections.close_all()
    return 0


def measure_retention(arguments: argparse.Namespace, say: Say) -> int:
    """Run the part `retention`."""
    with servers.started() as running:
        _set_up_django(running, "retention")
        call_command("migrate", verbosity=0)
        from bench import retention  # noqa: PLC0415 - it needs Django's models

        body = (ROOT / "tests" / "payloads" / "push__branch.json").read_bytes()
        points = retention.run(os.environ["DATABASE_URL"], arguments.rows, body, say)
        connections.close_all()
    say(retention.table(points))
    for name, value in machine.describe().items():
        say(f"{name}: {value}")
    return 0


def measure_space(_arguments: argparse.Namespace, say: Say) -> int:
    """Run the part `space`."""
    with servers.started() as running:
        _set_up_django(running, "space")
        call_command("migrate", verbosity=0)
        from bench import space  # noqa: PLC0415 - it needs Django's models

        found = space.run(os.environ["DATABASE_URL"], say)
        connections.close_all()
    say(space.table(found))
    return 0


def measure_scale(arguments: argparse.Namespace, say: Say) -> int:
    """Run the part `scale`; return the exit status."""
    with servers.started(_kept(arguments), arguments.shared_buffers) as running:
        _set_up_django(running, "filled", kept=True)
        from bench import scale  # noqa: PLC0415 - it needs Django's models

        filled = scale.prepare(running, os.environ["DATABASE_URL"], arguments.rows, say)
        if arguments.prepare:
            return 0
        options = scale.Options(
            arguments.rows, arguments.rounds, arguments.seconds, arguments.deliveries, arguments.pruned
        )
        result = scale.run(options, running, filled, say)
        connections.close_all()
    for shown in scale.tables(result):
        say(shown)
    for name, value in machine.describe().items():
        say(f"{name}: {value}")
    for what in result.wrong:
        say(f"WRONG: {what}")
    return 1 if result.wrong else 0


def measure_bodies(arguments: argparse.Namespace, say: Say) -> int:
    """Run the part `bodies`."""
    with servers.started(_kept(arguments)) as running:
        _set_up_django(running, "filled", kept=True)
        from bench import bodies, scale  # noqa: PLC0415 - they need Django's models

        url = os.environ["DATABASE_URL"]
        scale.prepare(running, url, arguments.rows, say)
        bodies.prepare(url, say)
        found = (
            []
            if arguments.prepare
            else bodies.measure(url, running, arguments.rounds, arguments.seconds, say)
        )
        connections.close_all()
    for shown in found:
        say(shown)
    for name, value in machine.describe().items():
        say(f"{name}: {value}")
    return 0


def measure_day(arguments: argparse.Namespace, say: Say) -> int:
    """Run the part `day`; return the exit status."""
    with servers.started() as running:
        _set_up_django(running, "day")
        from bench import day  # noqa: PLC0415 - it needs Django's models

        result = day.run(
            day.Options(arguments.seconds, arguments.rate), running, os.environ["DATABASE_URL"], say
        )
        connections.close_all()
    say(day.table(result))
    for name, value in machine.describe().items():
        say(f"{name}: {value}")
    for what in result.wrong:
        say(f"WRONG: {what}")
    return 1 if result.wrong else 0


def measure_records(_arguments: argparse.Namespace, say: Say) -> int:
    """Run the part `records`."""
    with servers.started() as running:
        _set_up_django(running, "records")
        call_command("migrate", verbosity=0)
        from bench import records  # noqa: PLC0415 - it needs Django's models

        found = records.run()
        connections.close_all()
    say(records.rates(found))
    say(report.targets(figures.ratios(found, records.TARGETS)))
    return 0


def measure_parsing(_arguments: argparse.Namespace, say: Say) -> int:
    """Run the part `parsing`."""
    from bench import parsing  # noqa: PLC0415 - no other part needs githubkit

    result = parsing.run()
    say(parsing.table(result))
    say(report.targets(figures.ratios(result.whole(), parsing.TARGETS)))
    say(f"{result.refused} payloads that githubkit rejects are left out.")
    return 0


def main(argv: list[str]) -> int:
    """Run a part, print and write its results; return the exit status."""
    arguments = options(argv)
    screen = Console(width=None if sys.stdout.isatty() else 160, highlight=False)

    def say(what: RenderableType) -> None:
        screen.print(what, markup=False)

    parts = {
        "ingest": measure_ingest,
        "worker": measure_worker,
        "console": measure_console,
        "api": measure_api,
        "metrics": measure_metrics,
        "writes": measure_writes,
        "retention": measure_retention,
        "space": measure_space,
        "scale": measure_scale,
        "day": measure_day,
        "bodies": measure_bodies,
        "records": measure_records,
        "parsing": measure_parsing,
    }
    try:
        return parts[arguments.part](arguments, say)
    except ContenderError as error:
        say(f"bench: {error}")
        return 1


def _above_0(kind: type[int] | type[float]) -> Callable[[str], float]:
    def number(text: str) -> float:
        found = kind(text)
        if found <= 0:
            raise argparse.ArgumentTypeError("must be above 0")
        return found

    return number


def _kept(arguments: argparse.Namespace) -> Path | None:
    """Return the folder of PostgreSQL's data in `--folder`, which is created; None without the option."""
    if arguments.folder is None:
        return None
    arguments.folder.mkdir(parents=True, exist_ok=True)
    found: Path = arguments.folder.absolute() / "postgresql"
    return found


def _set_up_django(running: servers.Servers, database: str, *, kept: bool = False) -> None:
    """Set up Django with Hookkeeper's settings for these servers. Call once per process."""
    os.environ.update(
        DATABASE_URL=running.create_database(database, kept=kept),
        REDIS_URL=running.redis_url,
        HOOKKEEPER_DATA=str(running.folder),
        GITHUB_WEBHOOK_SECRET=SECRET,
        DJANGO_SETTINGS_MODULE="settings",
    )
    django.setup()


def _document(text: str) -> dict[str, object]:
    """Return the document of an earlier run, which is read before this run writes its own."""
    try:
        found: dict[str, object] = json.loads(Path(text).read_text())
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"no JSON file of a run: {text}") from error
    return found


def finish(
    arguments: argparse.Namespace,
    say: Say,
    found: dict[str, object],
    cautions: Sequence[str],
    document: dict[str, object],
    wrong: Sequence[str],
) -> int:
    """Print the conditions, write the document, and return the exit status."""
    if arguments.compare is not None:
        say(comparison.table(arguments.compare, document))
    for caution in cautions:
        say(f"caution: {caution}")
    for name, value in found.items():
        say(f"{name}: {value}")
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(document, indent=2) + "\n")
    say(f"written: {arguments.json}")
    for what in wrong:
        say(f"WRONG: {what}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
