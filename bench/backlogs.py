"""Backlogs of the workers: they store and enqueue deliveries, and detect when all are done.

They need Django with Hookkeeper's settings, because Hookkeeper's own code stores and enqueues its deliveries.
"""

import asyncio
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from typing import Any, ClassVar, Protocol

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from redis import Redis

from bench import queues, workload
from bench.delivery import SECRET, Delivery
from bench.queues import Enqueue
from receiver import arrivals, queue, store
from receiver.arrivals import Arrival
from receiver.intake import MAX_BATCH
from receiver.postgresql import PostgresWriter
from receiver.signatures import Verifier

# Seconds until arq has written the number of its jobs, which it does every second.
COUNTED_WITHIN = 5.0


Done = Callable[[], bool]


class Backlog(Protocol):
    """The backlog of one kind of worker."""

    every: float
    """Seconds between two queries of the remaining deliveries, because each query costs the database time."""

    def clear(self) -> None:
        """Delete everything that was stored and enqueued."""

    def fill(self, first: int, count: int) -> None:
        """Store and enqueue the workload's deliveries from `first` on."""

    def watched(self) -> AbstractContextManager[Done]:
        """Yield a cheap function that returns whether all deliveries of the last `fill` are done."""

    def left(self) -> int:
        """Return how many deliveries of the last `fill` are not done."""

    def finished(self) -> float | None:
        """Return when the last `fill` was completely done, in seconds since 1970; None if unknown."""

    def wrong(self, count: int) -> list[str]:
        """Return the errors after the workload's first `count` deliveries."""


class Ledger:
    """A backlog whose deliveries are rows of a PostgreSQL database."""

    every = 0.1

    def __init__(self, url: str, table: str, done: str, records: Mapping[str, str]) -> None:
        """`done` is the column with the time of completion; `records` maps the workload's kinds to tables."""
        self.url = url
        self._table = sql.Identifier(table)
        self._done = sql.Identifier(done)
        self._records = {"deliveries": table, **records}
        self._first_id = 0

    def clear(self) -> None:
        """See `Backlog`; ids start again at 1. The console's accounts and tokens stay."""
        tables = self._ask(
            "SELECT tablename FROM pg_tables"
            " WHERE schemaname = 'public' AND tablename !~ '^(django|auth|accounts|api)_'"
        )
        names = sql.SQL(", ").join(sql.Identifier(name) for (name,) in tables)
        self._do("TRUNCATE {names} RESTART IDENTITY CASCADE", names=names)

    @contextmanager
    def watched(self) -> Iterator[Done]:
        """See `Backlog`. It searches from the end, where the last deliveries are, so it reads few rows."""
        question = self._composed(
            "SELECT id FROM {table} WHERE id >= {first} AND {done} IS NULL ORDER BY id DESC LIMIT 1", {}
        )
        with psycopg.connect(self.url, autocommit=True) as connection:
            yield lambda: connection.execute(question).fetchone() is None

    def left(self) -> int:
        """See `Backlog`."""
        question = "SELECT count(*) FROM {table} WHERE id >= {first} AND {done} IS NULL"
        return int(self._ask(question)[0][0])

    def finished(self) -> float | None:
        """See `Backlog`."""
        last = self._ask("SELECT extract(epoch FROM max({done})) FROM {table} WHERE id >= {first}")[0][0]
        return None if last is None else float(last)

    def wrong(self, count: int) -> list[str]:
        """Return the kinds of records whose number of rows differs from the workload."""
        found = {
            kind: int(self._ask("SELECT count(*) FROM {records}", records=sql.Identifier(table))[0][0])
            for kind, table in self._records.items()
        }
        return [
            f"{found[kind]} {kind} are stored, and there should be {expected}"
            for kind, expected in workload.records(count).items()
            if found[kind] != expected
        ]

    def _filled(self, ids: list[int]) -> None:
        """Mark these as the last fill, and vacuum the table, so that no round pays for another."""
        self._first_id = min(ids)
        self._do("VACUUM (ANALYZE) {table}")

    def _do(self, statement: str, **names: sql.Composable) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(self._composed(statement, names))

    def _ask(self, question: str, **names: sql.Composable) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(self._composed(question, names)).fetchall()

    def _composed(self, text: str, names: Mapping[str, sql.Composable]) -> sql.Composed:
        mine = {"table": self._table, "done": self._done, "first": sql.Literal(self._first_id)}
        return sql.SQL(text).format(**mine, **names)


class Hookkeeper(Ledger):
    """Deliveries that the receiver's writer stores from signed requests, with wake-ups by its `enqueue`."""

    RECORDS: ClassVar = {
        "pushes": "records_push",
        "commits": "records_commit",
        "pull requests": "records_pullrequest",
        "issues": "records_issue",
    }

    def __init__(self, url: str) -> None:
        super().__init__(url, "receiver_delivery", "finished_at", self.RECORDS)

    def fill(self, first: int, count: int) -> None:
        """See `Backlog`."""
        self._filled(asyncio.run(self._fill(first, count)))

    async def _fill(self, first: int, count: int) -> list[int]:
        writer, redis = PostgresWriter(), queue.connect()
        batches: list[list[store.Stored]] = []
        try:
            made = signed(first, count)
            while portion := list(islice(made, MAX_BATCH)):
                outcomes = await store.store(writer, portion)
                batches.append([one for one in outcomes if isinstance(one, store.Stored)])
            # Wake-ups for whole batches of the intake, as a busy receiver sends them.
            for batch in batches:
                await queue.enqueue(redis, {one.event for one in batch})
        finally:
            await writer.close()
            await redis.aclose()
        return [one.id for batch in batches for one in batch]

    def wrong(self, count: int) -> list[str]:
        """Return the errors of `Ledger`, deliveries that did not succeed, and any number of runs but one."""
        ended = dict(self._ask("SELECT status, count(*) FROM {table} GROUP BY status"))
        runs = self._ask("SELECT count(*) FROM receiver_handlerrun WHERE outcome = 'succeeded'")[0][0]
        found = super().wrong(count)
        if ended != {"succeeded": count}:
            found.append(f"deliveries ended as {ended}, and all {count} should have succeeded")
        if runs != count:
            found.append(f"{runs} runs of handlers succeeded, and there should be {count}")
        return found


class Textbook(Ledger):
    """Deliveries stored as the textbook project's view does, with a job for each on one of its queues."""

    RECORDS: ClassVar = {
        "pushes": "textbook_push",
        "commits": "textbook_commit",
        "pull requests": "textbook_pullrequest",
        "issues": "textbook_issue",
    }

    def __init__(self, url: str, queue_url: str, enqueue: Enqueue) -> None:
        super().__init__(url, "textbook_delivery", "processed_at", self.RECORDS)
        self._enqueue = enqueue
        self._queue_url = queue_url

    def fill(self, first: int, count: int) -> None:
        """See `Backlog`."""
        insert = (
            "INSERT INTO textbook_delivery (guid, event, payload, received_at)"
            " VALUES (%s, %s, %s, now()) RETURNING id"
        )
        ids: list[int] = []
        with psycopg.connect(self.url) as connection:
            for one in workload.deliveries(first, count):
                values = [one.guid, one.event, Jsonb(one.body.decode(), dumps=str)]
                ids += [pk for (pk,) in connection.execute(insert, values)]
        self._filled(ids)
        asyncio.run(self._enqueue(self._queue_url, ids))


class Empty:
    """Empty arq jobs, counted by arq."""

    every = 0.005

    def __init__(self, redis_url: str) -> None:
        self._redis_url = redis_url

    def clear(self) -> None:
        """See `Backlog`; all of it is in Redis."""

    def fill(self, _first: int, count: int) -> None:
        """See `Backlog`."""
        asyncio.run(queues.to_arq(self._redis_url, [None] * count, "nothing"))

    @contextmanager
    def watched(self) -> Iterator[Done]:
        """See `Backlog`."""
        with Redis.from_url(self._redis_url) as redis:
            yield lambda: redis.zcard("arq:queue") == 0

    def left(self) -> int:
        """See `Backlog`."""
        with Redis.from_url(self._redis_url) as redis:
            return int(redis.zcard("arq:queue"))

    def finished(self) -> float | None:
        """See `Backlog`."""
        return None

    def wrong(self, count: int) -> list[str]:
        """Return arq's own count of its jobs if it is not complete."""
        deadline = time.monotonic() + COUNTED_WITHIN
        while True:
            with Redis.from_url(self._redis_url) as redis:
                health = (redis.get("arq:queue:health-check") or b"").decode()
            if re.search(rf"j_complete={count} j_failed=0 ", health):
                return []
            if time.monotonic() > deadline:
                return [f"arq reports {health!r}, but {count} jobs should be complete"]
            time.sleep(0.1)


def signed(first: int, count: int) -> Iterator[Arrival]:
    """Yield the workload as verified arrivals, read from the headers and bytes that GitHub would send."""
    for one in workload.deliveries(first, count):
        headers = {**Delivery(one.event, one.body).headers, "X-GitHub-Delivery": str(one.guid)}
        by_name = {name.lower(): value for name, value in headers.items()}
        verifier = Verifier([SECRET.encode()])
        verifier.update(one.body)
        yield arrivals.read(by_name, one.body, "", verifier, len(one.body))
