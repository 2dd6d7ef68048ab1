"""Shared by the parts: options of the same meaning, Django on servers of their own, and the end of a run."""

import argparse
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import django
from django.core.management import call_command
from django.db import connections
from rich.console import RenderableType

from bench import comparison, machine, servers
from bench.delivery import ROOT, SECRET
from bench.servers import Servers

WRITTEN = ROOT / "var" / "bench"

Say = Callable[[RenderableType], None]


def above_0(kind: type[int] | type[float]) -> Callable[[str], float]:
    """Return a type of arguments: numbers above 0."""

    def number(text: str) -> float:
        found = kind(text)
        if found <= 0:
            raise argparse.ArgumentTypeError("must be above 0")
        return found

    return number


def declare_comparison(parser: argparse.ArgumentParser, names: Sequence[str], written: str) -> None:
    """Add the options of a part with several contenders, whose run is written as JSON."""
    parser.add_argument("--rounds", type=above_0(int), default=5, help="of each contender (%(default)s)")
    parser.add_argument(
        "--only", action="append", default=[], choices=names, metavar="NAME",
        help="run this contender alone; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--json", type=Path, default=WRITTEN / written, metavar="FILE", help="where the run is written"
    )
    parser.add_argument(
        "--compare", type=_document, metavar="FILE", help="print the changes since the run of this JSON file"
    )


def declare_folder(parser: argparse.ArgumentParser) -> None:
    """Add the options of a part whose filled database can be kept."""
    parser.add_argument("--folder", type=Path, help="keep the filled database here, and use it again")
    parser.add_argument("--prepare", action="store_true", help="only fill the database of --folder")


@contextmanager
def django_on(
    database: str, *, folder: Path | None = None, shared_buffers: str = "", migrate: bool = False
) -> Iterator[Servers]:
    """Start PostgreSQL and Redis, and set up Django on a database there. Use it once per process.

    With a `folder`, PostgreSQL keeps its data in it, and the database is left as it is.
    """
    kept = None
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        kept = folder.absolute() / "postgresql"
    with servers.started(kept, shared_buffers) as running:
        os.environ.update(
            DATABASE_URL=running.create_database(database, kept=kept is not None),
            REDIS_URL=running.redis_url,
            HOOKKEEPER_DATA=str(running.folder),
            GITHUB_WEBHOOK_SECRET=SECRET,
            DJANGO_SETTINGS_MODULE="settings",
        )
        django.setup()
        if migrate:
            call_command("migrate", verbosity=0)
        yield running
        connections.close_all()


def finish(say: Say, wrong: Sequence[str] = (), conditions: Mapping[str, object] | None = None) -> int:
    """Print the conditions of the run, by default the machine's, and what went wrong; return the status."""
    for name, value in (machine.describe() if conditions is None else conditions).items():
        say(f"{name}: {value}")
    for what in wrong:
        say(f"WRONG: {what}")
    return 1 if wrong else 0


def finish_comparison(
    arguments: argparse.Namespace,
    say: Say,
    conditions: Mapping[str, object],
    cautions: Sequence[str],
    document: Mapping[str, object],
    wrong: Sequence[str],
) -> int:
    """Print the changes since an earlier run and the cautions, write the document, and finish."""
    if arguments.compare is not None:
        say(comparison.table(arguments.compare, document))
    for caution in cautions:
        say(f"caution: {caution}")
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(document, indent=2) + "\n")
    status = finish(say, wrong, conditions)
    say(f"written: {arguments.json}")
    return status


def _document(text: str) -> dict[str, object]:
    """Return the document of an earlier run, which is read before this run writes its own."""
    try:
        found: dict[str, object] = json.loads(Path(text).read_text())
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"no JSON file of a run: {text}") from error
    return found
