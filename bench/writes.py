"""Compares ways of writing a batch of arrivals to PostgreSQL, in one process (docs/decisions/0038).

Each way writes the same rows in batches of the same sizes, in turn and several times, so that the ratios are
stable on a noisy machine.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
from django.utils import timezone
from rich.console import Console
from rich.table import Table

from receiver.arrivals import Arrival
from receiver.models import Delivery, digest_of
from receiver.postgresql import INSERT, PostgresWriter, connection_parameters, parameters

SIZES = (1, 10, 32, 100)
ROUNDS = 5
SECONDS = 0.5

Batch = Sequence[Arrival]
Write = Callable[[Batch], Awaitable[object]]


def arrivals(body: bytes, size: int) -> list[Arrival]:
    """Return a batch of distinct deliveries of one body."""
    fields = {
        "hook_id": 1,
        "source": "",
        "secret_position": 0,
        "event": "push",
        "headers": {"X-GitHub-Event": "push"},
        "content_type": "application/json",
        "body": body,
        "digest": digest_of(body),
    }
    return [Arrival(guid=str(uuid4()), **fields) for _ in range(size)]  # type: ignore[arg-type] # by name


def in_the_loop() -> Write:
    """Return the receiver's own way."""
    writer = PostgresWriter()
    return lambda batch: writer.insert(batch, [1] * len(batch))


async def cursor_in_the_loop() -> Write:
    """Return the same statement through psycopg's cursor."""
    opened = await psycopg.AsyncConnection.connect(**connection_parameters(), autocommit=True)
    statement = INSERT.replace(b"$1", b"%(columns)t").replace(b"$2", b"%(bodies)b")

    async def write(batch: Batch) -> object:
        columns, bodies = parameters(batch, [1] * len(batch))
        sent = {"columns": columns.decode(), "bodies": bodies}
        cursor = await opened.execute(statement, sent, prepare=True)
        return await cursor.fetchall()

    return write


def bulk_create_in_a_thread() -> Write:
    """Return Django's bulk_create, which does not return which rows were new."""
    thread = ThreadPoolExecutor(1)

    def run(batch: Batch) -> object:
        now = timezone.now()
        return Delivery.objects.bulk_create(
            [
                Delivery(
                    received_at=now,
                    next_attempt_at=now,
                    **{name: getattr(arrival, name) for name in Arrival._fields},
                )
                for arrival in batch
            ],
            ignore_conflicts=True,
        )

    return lambda batch: asyncio.get_running_loop().run_in_executor(thread, run, batch)


async def measure(body: bytes) -> dict[str, dict[int, float]]:
    """Return rows per second by way and batch size: the median of the rounds."""
    ways = {
        "INSERT … json_to_recordset": in_the_loop(),
        "the same, through a cursor": await cursor_in_the_loop(),
        "bulk_create, in a thread": bulk_create_in_a_thread(),
    }
    found: dict[str, dict[int, list[float]]] = {name: {size: [] for size in SIZES} for name in ways}
    for _ in range(ROUNDS):
        for size in SIZES:
            for name, write in ways.items():
                start, count = time.perf_counter(), 0
                while time.perf_counter() - start < SECONDS:
                    await write(arrivals(body, size))
                    count += size
                found[name][size].append(count / (time.perf_counter() - start))
    return {name: {size: statistics.median(rates[size]) for size in SIZES} for name, rates in found.items()}


def run(body: bytes) -> None:
    """Measure, and print a table."""
    found = asyncio.run(measure(body))
    table = Table("rows a second, in batches of", *map(str, SIZES), title=f"bodies of {len(body)} bytes")
    for name, rates in found.items():
        table.add_row(name, *(f"{rates[size]:,.0f}" for size in SIZES))
    Console().print(table)
