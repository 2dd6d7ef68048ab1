"""Compares the push handler with one `aupdate_or_create` per commit, on PostgreSQL.

Both receive the same parsed pushes, up to a hundred at once. The handler also writes the push,
its ref, and the positions of the commits. Rounds alternate.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from statistics import median
from typing import Any
from uuid import uuid4

from django.utils import timezone
from rich.table import Table

import database
from bench.delivery import PAYLOADS
from bench.figures import Target
from handlers import DeliveryContext, push
from records.models import Commit, Repository
from schemas.push import PushEvent

ROUNDS = 5
# Maps the number of commits of a push to the pushes of a round: for the handler, and for its peer.
SIZES = {1: (1000, 100), 5: (500, 40), 20: (300, 20), 200: (40, 2)}
AT_ONCE = 100
HANDLER, ROW_BY_ROW = "push handler", "aupdate_or_create"

# The pushes of the part `worker`.
MIXED = (1, 5, 20)

TARGETS = (
    Target(
        f"commits/s, pushes of {', '.join(map(str, MIXED))} in turn: handler / row by row",
        f"{HANDLER}, mixed",
        f"{ROW_BY_ROW}, mixed",
        20,
        40,
    ),
)

numbers = count(1)
Record = Callable[[PushEvent], Awaitable[None]]


def pushed(size: int) -> PushEvent:
    """Return a push of new commits to one of fifty repositories."""
    payload: dict[str, Any] = json.loads((PAYLOADS / "push__branch.json").read_bytes())
    number = next(numbers)
    payload["repository"] |= {"id": 1 + number % 50, "pushed_at": 1_777_888_803 + number}
    [template, *_] = payload["commits"]
    payload["commits"] = [{**template, "id": f"{next(numbers):040x}"} for _ in range(size)]
    return PushEvent.model_validate(payload)


async def by_the_handler(event: PushEvent) -> None:
    """Record pushes as a worker does."""
    await push.record(event, DeliveryContext(uuid4(), 1, "", "push", timezone.now()))


async def row_by_row(event: PushEvent) -> None:
    """Record pushes as an async handler from Django's documentation does."""
    pushed = event.repository
    repository, _ = await Repository.objects.aget_or_create(
        github_id=pushed.id,
        defaults={"full_name": pushed.full_name or "", "updated_at": pushed.updated_at},
    )
    for commit in filter(None, event.commits or ()):
        await Commit.objects.aupdate_or_create(
            repository=repository,
            sha=commit.id,
            defaults={
                "message": commit.message or "",
                "author_name": (commit.author and commit.author.name) or "",
                "author_email": (commit.author and commit.author.email) or "",
                "committed_at": commit.timestamp,
            },
        )


async def rate(record: Record, size: int, pushes: int) -> float:
    """Return the commits per second."""
    events = [pushed(size) for _ in range(pushes)]
    before, start = await Commit.objects.acount(), time.perf_counter()
    for first in range(0, pushes, AT_ONCE):
        await asyncio.gather(*map(record, events[first : first + AT_ONCE]))
    seconds = time.perf_counter() - start
    written = await Commit.objects.acount() - before
    if written != size * pushes:
        raise RuntimeError(f"{written} of {size * pushes} commits were written")
    return written / seconds


async def measure() -> dict[str, list[float]]:
    """Return the commits per second by way and size, for each round but the first, which is a warm-up."""
    found: dict[str, list[float]] = {}
    for number in range(ROUNDS + 1):
        for size, (many, few) in SIZES.items():
            for name, record, pushes in ((HANDLER, by_the_handler, many), (ROW_BY_ROW, row_by_row, few)):
                reached = await rate(record, size, pushes)
                if number:
                    found.setdefault(f"{name}, {size}", []).append(reached)
        for name in (HANDLER, ROW_BY_ROW) if number else ():
            seconds = sum(size / found[f"{name}, {size}"][-1] for size in MIXED)
            found.setdefault(f"{name}, mixed", []).append(sum(MIXED) / seconds)
    return found


def run() -> dict[str, list[float]]:
    """Measure, after Django is set up. Raises `RuntimeError` if commits are missing."""
    try:
        return asyncio.run(measure())
    finally:
        database.close()


def rates(found: Mapping[str, list[float]]) -> Table:
    """Return a table with the medians of the rounds."""
    columns = [*map(str, SIZES), "mixed"]
    table = Table("commits a second, in pushes of", *columns, title="records: medians of the rounds")
    for name in (HANDLER, ROW_BY_ROW):
        table.add_row(name, *(f"{median(found[f'{name}, {column}']):,.0f}" for column in columns))
    ratios = [median(found[f"{HANDLER}, {one}"]) / median(found[f"{ROW_BY_ROW}, {one}"]) for one in columns]
    table.add_row("handler / row by row", *(f"{ratio:.1f}" for ratio in ratios))
    return table
