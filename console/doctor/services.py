"""Checks of the shared services: database, migrations, Redis, workers."""

import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.db import Error, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from redis import Redis
from redis.exceptions import RedisError, ResponseError

from console.doctor.findings import Finding, Status
from database import errors, row_sets
from ledger import heartbeats
from ledger.summary import span
from receiver import queue
from receiver.models import OPEN, WAITING, Delivery

# Seconds that a delivery may be due before it is a sign of too few workers.
OVERDUE = 60.0
# Rows with a contradiction that are counted.
MOST_COUNTED = 1000
# A key that expires by itself, should this process be killed before it deletes it.
PROBE = "hookkeeper:doctor"
PROBE_EXPIRES = 10  # seconds
PROBE_WAIT = 0.01  # seconds, where another doctor took what this one wrote
# The schema of new tables, and those of these tables which the role may not write, as after a restore by
# another role.
RIGHTLESS = """
    SELECT current_schema(), (
        SELECT string_agg(relname, ', ' ORDER BY relname) FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relname = ANY(%s) AND NOT (
            has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
            AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE')
        )
    )
"""


def check_database() -> Iterator[Finding]:
    """Check that the database answers and takes writes, and that it is migrated."""
    try:
        yield _database()
    except Error as error:
        reason = " ".join(str(_cause(error)).split())
        advice = "Start the database, or correct DATABASE_URL. The receiver answers 503 until then."
        if connection.vendor == "sqlite":
            advice = (
                "Mend that, or correct HOOKKEEPER_DATA or DATABASE_URL. The receiver answers 503 until then."
            )
        yield Finding("database", Status.WRONG, f"does not answer: {reason}", advice)
        yield Finding("migrations", Status.SKIPPED, "the database does not answer")
        return
    try:
        yield _migrations()
    except Error as error:  # as SQLite where the account may not write
        yield Finding("migrations", Status.SKIPPED, errors.fault(error))


def _cause(error: Error) -> Exception:
    """Return why PostgreSQL cannot be reached, where the pool says only that it waited for a connection."""
    if connection.vendor == "sqlite":
        return error
    import psycopg  # noqa: PLC0415 - not loaded on SQLite
    from psycopg_pool import PoolTimeout  # noqa: PLC0415 - as above

    from receiver.postgresql import connection_parameters  # noqa: PLC0415 - loads psycopg

    if isinstance(error.__cause__, PoolTimeout):
        try:
            psycopg.connect(**connection_parameters()).close()
        except psycopg.Error as direct:
            return direct
    return error


def require_database() -> None:
    """Raise `OperationalError` if SQLite's file is missing: connecting would create it."""
    if connection.vendor == "sqlite" and not Path(connection.settings_dict["NAME"]).exists():
        name = connection.settings_dict["NAME"]
        raise OperationalError(f"{name} does not exist: `manage.py migrate` creates it")


def _database() -> Finding:
    require_database()
    if connection.vendor == "sqlite":
        path = Path(connection.settings_dict["NAME"])
        if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
            return Finding(
                "database",
                Status.WRONG,
                f"this account may not write {path} and its folder",
                "Run Hookkeeper as the account that owns them.",
            )
    started = time.monotonic()
    connection.ensure_connection()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    took = time.monotonic() - started
    if connection.vendor == "sqlite":
        return Finding(
            "database", Status.OK, f"SQLite {sqlite3.sqlite_version} answers in {took * 1000:.0f} ms"
        )
    with connection.cursor() as cursor:
        cursor.execute("SHOW transaction_read_only")
        [[read_only]] = cursor.fetchall()
        cursor.execute("SHOW server_version")
        [[version]] = cursor.fetchall()
        cursor.execute(RIGHTLESS, [[model._meta.db_table for model in apps.get_models()]])
        [[schema, tables]] = cursor.fetchall()
    if read_only == "on":
        return Finding(
            "database",
            Status.WRONG,
            f"PostgreSQL {version} answers, and refuses writes",
            "Name the primary in DATABASE_URL, or all hosts with target_session_attrs=read-write.",
        )
    if schema is None or tables:
        lacking = f"write these tables: {tables}" if tables else "use any schema of its search_path"
        return Finding(
            "database",
            Status.WRONG,
            f"PostgreSQL {version} answers; the role of DATABASE_URL may not {lacking}",
            "Have the role own the schema and its tables: see docs/how-to/deploy.md, A role of its own.",
        )
    return Finding("database", Status.OK, f"PostgreSQL {version} answers in {took * 1000:.0f} ms")


def _migrations() -> Finding:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        first = missing[0][0]
        return Finding(
            "migrations",
            Status.WRONG,
            f"{len(missing)} missing, the first is {first}",
            "Run `manage.py migrate`. Attempts of workers of this version fail until then.",
        )
    known = executor.loader.disk_migrations
    ours = {app for app, _ in known}
    newer = sorted(key for key in executor.loader.applied_migrations if key not in known and key[0] in ours)
    if newer:
        app, name = newer[-1]
        return Finding(
            "migrations",
            Status.WARNING,
            f"the database has {len(newer)} that this version does not know, such as {app}.{name}",
            "A newer version has migrated it: run that version everywhere.",
        )
    return Finding("migrations", Status.OK, "all applied")


def check_redis() -> Iterator[Finding]:
    """Check that Redis answers, takes writes, and runs each command that Hookkeeper sends."""
    advice = "Start Redis, or correct REDIS_URL: rediss:// with TLS, redis:// without."
    try:
        with heartbeats.client() as connected:
            started = time.monotonic()
            connected.set(PROBE, "1", ex=PROBE_EXPIRES)
            connected.delete(PROBE)
            took = time.monotonic() - started
            _use(connected)
            version = connected.info("server").get("redis_version", "")
    except (RedisError, OSError) as error:
        if isinstance(error, ResponseError):
            advice = "Redis is full, or a replica, or its user lacks a right of docs/how-to/deploy.md."
        advice += " Until then workers look for deliveries every second, and no worker is seen."
        yield Finding("redis", Status.WRONG, f"does not take a key: {error}", advice)
    else:
        yield Finding("redis", Status.OK, f"Redis {version} takes and deletes a key in {took * 1000:.0f} ms")


def _use(connected: Redis) -> None:
    """Run the other commands of receivers, workers and the cache: a user may lack the right to one."""
    wake_ups, job = f"{queue.NAME}:{PROBE}", queue.JOB_KEY + PROBE
    with connected.pipeline(transaction=False) as pipeline:
        pipeline.psetex(job, PROBE_EXPIRES * 1000, "1")
        pipeline.zadd(wake_ups, {"first": 1, "second": 2})
        pipeline.bzpopmin(wake_ups, PROBE_WAIT)
        pipeline.zpopmin(wake_ups)
        pipeline.zcard(wake_ups)
        pipeline.zrange(wake_ups, 0, -1)
        pipeline.zremrangebyscore(wake_ups, 1, 2)
        pipeline.get(job)
        pipeline.exists(job)
        pipeline.mget(PROBE)
        pipeline.dbsize()
        pipeline.ping()
        pipeline.delete(wake_ups, job)
        pipeline.execute()


def check_workers() -> Iterator[Finding]:
    """Check that a worker is alive, that no delivery has been due for long, and that statuses are whole."""
    try:
        alive = heartbeats.read()
    except (RedisError, OSError):
        yield Finding("workers", Status.SKIPPED, "Redis does not answer, and only it knows them")
    else:
        held = sum(one.at_work for one in alive)
        yield (
            Finding("workers", Status.OK, f"{len(alive)} alive; deliveries at work: {held}")
            if alive
            else Finding(
                "workers",
                Status.WRONG,
                "none is alive",
                "Deliveries wait for one: start `arq worker.WorkerSettings`, the Procfile's `worker:` line.",
            )
        )
    try:
        require_database()
        found = [_queue(), _statuses()]
    except Error as error:
        found = [Finding(name, Status.SKIPPED, errors.fault(error)) for name in ("queue", "statuses")]
    yield from found


def _queue() -> Finding:
    now = row_sets.clock()
    due = Delivery.objects.filter(WAITING, next_attempt_at__lte=now).order_by("next_attempt_at")
    since = due.values_list("next_attempt_at", flat=True).first()
    late = (now - since).total_seconds() if since else 0.0
    if late > OVERDUE:
        return Finding(
            "queue",
            Status.WARNING,
            f"a delivery has been due for {span(late)}",
            "Start more workers, or see in `manage.py queue` what those that run are busy with.",
        )
    return Finding("queue", Status.OK, "no delivery has been due for long")


def _statuses() -> Finding:
    """Find settled deliveries without `finished_at`: only a change by hand leaves them."""
    rows = Delivery.objects.filter(finished_at__isnull=True).exclude(status__in=OPEN)
    count = len(rows.values_list("pk")[:MOST_COUNTED])
    if not count:
        return Finding("statuses", Status.OK, "each settled delivery has the time of its settlement")
    return Finding(
        "statuses",
        Status.WARNING,
        f"settled deliveries without finished_at: {count}{'+' if count == MOST_COUNTED else ''}",
        "Their status was changed by hand. No filter, count or replay finds them: set finished_at too.",
    )
