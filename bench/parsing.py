"""Compares parsing with the schemas and with githubkit's generated models, on the same bodies.

A schema reads the fields that a record needs, a model of githubkit reads every field. The comparison is the
cost of reading a body with each. githubkit is measured twice: by `parse`, as in its documentation, which
builds a validator for every body; and with cached validators, which is its upper bound. One process runs all
contenders, in turn in every round.
"""

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from statistics import median
from typing import Any

from pydantic import TypeAdapter
from rich.table import Table

import schemas
from bench import examples
from bench.figures import Target
from bench.running import Say

OURS = "hookkeeper"
MODELS = "githubkit's models, kept"
PARSE = "githubkit's parse"

TARGETS = (
    Target("parsing / with githubkit's parse", OURS, PARSE, 5, 10),
    Target("parsing / with its models, kept", OURS, MODELS, 5, 10),
)
ROUNDS = 7
SECONDS = 0.1  # for an event, a contender and a round

Read = Callable[[str, bytes], object]
# Maps contender and event to the seconds for a body, in each round.
Rounds = Mapping[str, Mapping[str, Sequence[float]]]


@dataclass(frozen=True)
class Result:
    """The results."""

    rounds: Rounds
    bodies: Mapping[str, Sequence[bytes]]
    refused: int
    """Payloads that githubkit rejects, such as those of deleted accounts; they are left out."""

    def whole(self) -> dict[str, list[float]]:
        """Return the bodies per second of each contender and round, with equal weight for all events."""
        return {
            name: [len(events) / sum(of_round) for of_round in zip(*events.values(), strict=True)]
            for name, events in self.rounds.items()
        }


def contenders() -> dict[str, Read]:
    """Return the parsers by name."""
    from githubkit import webhooks  # noqa: PLC0415 - installed only for benchmarks

    known = schemas.discover(schemas)
    package = webhooks.parse.__module__.rpartition(".")[0]
    modules: dict[str, Any] = {name: import_module(f"{package}.{name}") for name in known}
    adapters = {name: TypeAdapter[Any](module.Event) for name, module in modules.items()}
    return {
        OURS: lambda event, body: schemas.parse(known[event], body),
        PARSE: webhooks.parse,
        MODELS: lambda event, body: adapters[event].validate_json(body),
    }


def run(say: Say) -> Result:
    """Measure every contender on every event in each round; say how long that takes."""
    say("importing githubkit and completing the payloads")
    readers = contenders()
    bodies, refused = examples.bodies(readers[MODELS])
    gc.freeze()  # each collection would look at all of githubkit's models
    seconds = ROUNDS * len(bodies) * len(readers) * SECONDS
    say(f"{len(bodies)} events in {ROUNDS} rounds: about {seconds:.0f} s")
    found: dict[str, dict[str, list[float]]] = {name: {event: [] for event in bodies} for name in readers}
    for _ in range(ROUNDS):
        for event, some in bodies.items():
            for name, read in readers.items():
                found[name][event].append(_seconds_a_body(read, event, some))
    return Result(found, bodies, refused)


def _seconds_a_body(read: Read, event: str, bodies: Sequence[bytes]) -> float:
    gc.collect()
    times = 0
    start = time.perf_counter()
    while (passed := time.perf_counter() - start) < SECONDS:
        for body in bodies:
            read(event, body)
        times += len(bodies)
    return passed / times


def table(result: Result) -> Table:
    """Return a table of microseconds per body of each event, and the ratio to the kept models."""
    shown = Table(title="Parsing, microseconds for a body (median of the rounds)")
    for heading in ("event", "bodies", "KiB", *result.rounds, "kept / ours (least)"):
        shown.add_column(heading, justify="left" if heading == "event" else "right")
    for event, bodies in result.bodies.items():
        ratios = [
            theirs / ours
            for ours, theirs in zip(result.rounds[OURS][event], result.rounds[MODELS][event], strict=True)
        ]
        shown.add_row(
            event,
            str(len(bodies)),
            f"{sum(map(len, bodies)) / len(bodies) / 1024:.1f}",
            *(f"{median(of[event]) * 1e6:.1f}" for of in result.rounds.values()),
            f"{median(ratios):.1f} ({min(ratios):.1f})",
        )
    return shown
