"""Measures the time from receipt to settlement: `finished_at - received_at`, both from the database's clock.

Idle: one delivery at a time is sent to the real receiver, after a random pause that does not follow the
worker's poll. Under load: deliveries arrive at a constant rate, whether or not earlier ones are done; the
benchmark's process stores them with the intake. The cost of HTTP and the signature lies before `received_at`;
without it, PostgreSQL has the core that it shares with the receiver.
"""

import asyncio
import http.client
import random
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

import psycopg

from bench import backlogs, cores, delivery, drains, workload
from bench.contenders import Contender
from bench.figures import percentile
from bench.servers import Servers
from bench.workers import Worker
from receiver.arrivals import Arrival
from receiver.parts import Parts
from receiver.store import Stored

PAUSE = 0.5  # seconds at most: arq's default `poll_delay`
REST = 2.0  # seconds without a delivery
SETTLED_WITHIN = 15.0  # seconds
# Seconds between two checks whether a delivery is settled. Each takes PostgreSQL's core for half a
# millisecond, which a delivery would wait for.
POLL_INTERVAL = 0.02


@dataclass(frozen=True)
class Load:
    """One round under load. Seconds; `offered` and `taken` in deliveries a second."""

    offered: float
    taken: float
    p50: float
    p99: float
    rest_busy: float


def idle(
    worker: Worker, receiver: Contender, port: int, samples: int, split: cores.Cores, servers: Servers
) -> tuple[list[float], float, list[str]]:
    """Seconds of each delivery, the worker's share of a core without deliveries, and the errors."""
    found: list[float] = []
    servers.flush_redis()
    worker.backlog.clear()
    pauses = random.Random(samples)  # noqa: S311 - the same in every run
    with (
        drains.up(worker, split.contender, servers.folder) as process,
        psycopg.connect(receiver.database, autocommit=True) as database,
        closing(http.client.HTTPConnection("127.0.0.1", port, timeout=SETTLED_WITHIN)) as http_client,
    ):
        for one in workload.deliveries(0, samples + 1):
            time.sleep(pauses.uniform(0, PAUSE) if found else 0)
            headers = delivery.Delivery(one.event, one.body).headers
            http_client.request(
                "POST", receiver.path, one.body, {**headers, "X-GitHub-Delivery": str(one.guid)}
            )
            with http_client.getresponse() as response:
                response.read()
            seconds = _settled(database, one)
            process.check()
            if seconds is None:
                return (
                    found[1:],
                    0.0,
                    [f"{one.event} {one.guid} was not settled within {SETTLED_WITHIN:g} seconds"],
                )
            found.append(seconds)
        cpu, began = process.cpu(), time.monotonic()
        time.sleep(REST)
        resting = (process.cpu() - cpu) / (time.monotonic() - began)
    # The first delivery was a warm-up.
    return found[1:], resting, worker.backlog.wrong(samples + 1)


def _settled(database: "psycopg.Connection[tuple[float]]", one: workload.Item) -> float | None:
    deadline = time.monotonic() + SETTLED_WITHIN
    while time.monotonic() < deadline:
        row = database.execute(
            "SELECT extract(epoch FROM finished_at - received_at)::float FROM receiver_delivery"
            " WHERE guid = %s AND finished_at IS NOT NULL",
            [one.guid],
        ).fetchone()
        if row is not None:
            return row[0]
        time.sleep(POLL_INTERVAL)
    return None


def loaded(
    worker: Worker, rate: float, seconds: float, split: cores.Cores, servers: Servers
) -> tuple[Load, list[str]]:
    """Run one round with `rate` deliveries per second; return its figures and the errors."""
    count = drains.whole(rate * seconds)
    warm = drains.whole(count / drains.WARM_UP)
    servers.flush_redis()
    worker.backlog.clear()
    arrived = list(backlogs.signed(warm, count))
    with drains.up(worker, split.contender, servers.folder) as process:
        worker.backlog.fill(0, warm)
        drains.wait(worker, [process])
        rest, started = cores.busy(split.rest), time.monotonic()
        first = asyncio.run(_offer(arrived, rate))
        rest = (cores.busy(split.rest) - rest) / (time.monotonic() - started)
        drains.wait(worker, [process])
    with psycopg.connect(worker.environment["DATABASE_URL"]) as database:
        rows = database.execute(
            "SELECT extract(epoch FROM received_at)::float,"
            " extract(epoch FROM finished_at - received_at)::float"
            " FROM receiver_delivery WHERE id >= %s AND finished_at IS NOT NULL",
            [first],
        ).fetchall()
    received, took = [row[0] for row in rows], [row[1] for row in rows]
    taken = len(rows) / max(1e-3, max(received, default=0.0) - min(received, default=0.0))
    found = Load(rate, taken, percentile(took, 0.5), percentile(took, 0.99), rest / max(1, len(split.rest)))
    return found, worker.backlog.wrong(warm + count)


async def _offer(arrived: Sequence[Arrival], rate: float) -> int:
    """Store each arrival at its time; return the lowest id."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    tasks = []
    parts = Parts()
    try:
        for number, arrival in enumerate(arrived):
            wait = started + number / rate - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
            tasks.append(asyncio.create_task(parts.intake.keep(arrival)))
        kept = await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        await parts.close()
    # A rejected arrival is missing from the count of rows.
    return min(one.id for one in kept if isinstance(one, Stored))
