"""The prototype that the part `bodies` measures: the schema `apart`, with a table of its own for bodies.

It has the same deliveries as the tables of today: the same table without the body, and `body`, partitioned by
the time of receipt, a partition for each day. See docs/decisions/0052.
"""

import time
from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise

import psycopg
from psycopg import sql

from bench import loading
from receiver.postgresql import INSERT

DAYS = 8
_SCHEMA = """
CREATE SCHEMA apart;
CREATE TABLE apart.receiver_delivery (
    LIKE public.receiver_delivery INCLUDING IDENTITY INCLUDING DEFAULTS INCLUDING CONSTRAINTS
);
ALTER TABLE apart.receiver_delivery DROP COLUMN body;
CREATE TABLE apart.body (id bigint NOT NULL, received_at timestamptz NOT NULL, body bytea NOT NULL)
    PARTITION BY RANGE (received_at)
"""


def prepare(url: str, say: Callable[[str], None]) -> None:
    """Copy the ledger into the schema `apart`, unless that is there."""
    with psycopg.connect(url, autocommit=True) as database:
        if database.execute("SELECT FROM pg_namespace WHERE nspname = 'apart'").rowcount:
            return
        say("copying the deliveries")
        began = time.monotonic()
        with loading.hasty(database):
            [(oldest,)] = database.execute("SELECT min(received_at)::date FROM receiver_delivery").fetchall()
            for statement in _schema(oldest):
                database.execute(statement.encode())
            names = [
                sql.Identifier(str(name))
                for (name,) in database.execute(
                    "SELECT column_name FROM information_schema.columns WHERE table_schema = 'apart'"
                    " AND table_name = 'receiver_delivery'"
                )
            ]
            columns = sql.SQL(", ").join(names)
            # Copied in the order of receipt.
            database.execute(
                sql.SQL(
                    "INSERT INTO apart.receiver_delivery ({columns}) OVERRIDING SYSTEM VALUE"
                    " SELECT {columns} FROM public.receiver_delivery ORDER BY id"
                ).format(columns=columns)
            )
            database.execute(
                "INSERT INTO apart.body SELECT id, received_at, body FROM public.receiver_delivery"
                " WHERE body IS NOT NULL"
            )
            for (definition,) in database.execute(
                "SELECT indexdef FROM pg_indexes"
                " WHERE schemaname = 'public' AND tablename = 'receiver_delivery'"
            ).fetchall():
                database.execute(definition.replace(" ON public.", " ON apart.").encode())
            database.execute("ALTER TABLE apart.body ADD PRIMARY KEY (id, received_at)")
            # Otherwise each insert fills the rest of another page, because all pages are equally full.
            database.execute("ALTER TABLE apart.receiver_delivery SET (fillfactor = 90)")
            database.execute("VACUUM (ANALYZE) apart.receiver_delivery, apart.body")
            database.execute("CHECKPOINT")
        say(f"copied in {time.monotonic() - began:.0f} s")


def _schema(oldest: date) -> list[str]:
    begins = [oldest + timedelta(days=day) for day in range(DAYS + 2)]
    return _SCHEMA.strip().split(";\n") + [
        f"CREATE TABLE apart.body_{day} PARTITION OF apart.body FOR VALUES FROM ('{first}') TO ('{last}')"
        for day, (first, last) in enumerate(pairwise(begins))
    ]


def insert_apart() -> bytes:
    """Return the receiver's insert for the prototype: the same statement with one more insert."""
    text = INSERT.decode()
    narrow = text.replace("content_type, body, size", "content_type, size").replace(
        "content_type, substring($2::bytea FROM body_start FOR body_length),", "content_type,"
    )
    kinds = text[text.index("json_to_recordset") : text.index("), (SELECT set_config") + 1]
    bodies = "SELECT id, received_at, substring($2::bytea FROM body_start FOR body_length)"
    kept = f"INSERT INTO body {bodies} FROM {kinds} JOIN new USING (source, guid, hook_id)"
    returned = "SELECT source, guid, hook_id, id FROM new"
    return f"WITH new AS ({narrow}, received_at), kept AS ({kept}) {returned}".encode()
