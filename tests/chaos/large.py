"""A large ledger on PostgreSQL, shared by the tests that explain statements."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from tests.chaos import ledger
from tests.chaos.counts import Counts

WORKER = "worker of the test"
# Deliveries of the one replay.
REPLAYED = 4_000
INSERT = """
INSERT INTO receiver_delivery (
    guid, hook_id, source, secret_position, event, action, repository_id, repository, sender, headers,
    content_type, body, size, digest, redeliveries, attempts, claims, crashes, error, received_at,
    status, next_attempt_at, lease_expires_at, finished_at, worker, ordering_key
)
SELECT gen_random_uuid(), n, '', 0, 'push', '', {repository}, 'a/b', 'person-' || n % 500, '{{}}',
    'application/json', '\\x00', 7000, uuid_send(gen_random_uuid()), 0, 0, 1, 0, '',
    now() - interval '1 day' + n * interval '1 ms', {rest}
FROM generate_series(1, {count}) AS n
"""
# Pushes of one repository, each with one commit, and two days of aggregated minutes and hours.
RECORDS = """
INSERT INTO records_repository (
    id, server, github_id, full_name, previous_full_name, private, archived, deleted, default_branch
) VALUES (1, 'github.com', 1, 'a/b', 'a/old', false, false, false, 'main');

INSERT INTO records_commit (id, repository_id, sha, message, author_name, author_email)
SELECT n, 1, md5(n::text), '', '', '' FROM generate_series(1, {count}) AS n;

INSERT INTO records_push (
    id, repository_id, ref, before, after, forced, created, deleted, truncated, head_commit_sha, pusher,
    pushed_at
)
SELECT n, 1, 'refs/heads/main', md5((n - 1)::text), md5(n::text), false, false, false, false, '', '',
    now() - interval '1 day' + n * interval '1 ms'
FROM generate_series(1, {count}) AS n;

INSERT INTO records_pushcommit (push_id, commit_id, position)
SELECT n, n, 0 FROM generate_series(1, {count}) AS n;

INSERT INTO ledger_aggregate (
    grain, dimension, begin, name, received, succeeded, ignored, invalid, dead, latencies
)
SELECT grain, dimension, date_trunc('hour', now()) - n * length, name, 1, 1, 0, 0, 0, '{{}}'
FROM generate_series(1, 2880) AS n,
    (VALUES ('minute', interval '1 minute'), ('hour', interval '1 hour')) AS grains (grain, length),
    (VALUES ('event'), ('repository')) AS dimensions (dimension),
    (VALUES ('push'), ('star')) AS names (name);

INSERT INTO ledger_aggregateduntil (at) VALUES (date_trunc('hour', now()))
"""


def filled(migrated: str, counts: Counts) -> str:
    """Return the URL of a ledger in which a tenth of the rows wait behind one of an ordered repository."""
    url = ledger.copy(migrated, None)
    kinds = [
        (counts.rows * 8 // 10, "n % 100 + 10", "'succeeded', NULL, NULL, now(), 'gone', NULL"),
        (counts.rows // 10, "1", "'received', NULL, NULL, NULL, '', '1'"),
        (counts.rows // 20, "n % 100 + 10", "'retrying', now() + interval '1 day', NULL, NULL, '', NULL"),
        (counts.rows // 20, "n % 100 + 10", "'received', now() - interval '1 s', NULL, NULL, '', NULL"),
        (600, "n % 100 + 10", "'processing', NULL, now() + interval '1 day', NULL, 'another', NULL"),
        (300, "n % 100 + 10", f"'processing', NULL, now() + interval '1 day', NULL, '{WORKER}', NULL"),
        (1, "1", "'processing', NULL, now() + interval '1 day', NULL, 'another', '1'"),
    ]
    for count, repository, rest in kinds:
        ledger.execute(url, INSERT.format(count=count, repository=repository, rest=rest))
    ledger.execute(
        url,
        "INSERT INTO receiver_handlerrun (delivery_id, handler, attempt, trigger, outcome, started_at,"
        " duration, error, traceback, superseded)"
        " SELECT id, CASE WHEN id % 4 = 0 THEN 'push.announce' ELSE 'push.record' END, 1,"
        " 'delivery', 'succeeded', now(), 0, '', '', false"
        " FROM receiver_delivery WHERE status = 'succeeded'",
    )
    for statement in RECORDS.format(count=counts.rows // 5).split(";"):
        ledger.execute(url, statement)
    ledger.execute(
        url,
        "INSERT INTO ledger_replay (delivery_id, operation_id, by, at) SELECT id, 1, 'ada', now()"
        f" FROM receiver_delivery WHERE id % 3 = 0 ORDER BY id LIMIT {REPLAYED}",
    )
    tables = "receiver_delivery, receiver_handlerrun, records_commit, records_push, records_pushcommit"
    ledger.execute(url, f"VACUUM (ANALYZE) {tables}, ledger_aggregate, ledger_replay")
    return url


def explained(
    url: str, statement: str, parameters: Mapping[str, Any] | Sequence[Any] | None
) -> list[dict[str, Any]]:
    """Run a statement and roll it back; return the nodes of its plan."""
    with psycopg.connect(url) as server:
        cursor = psycopg.ClientCursor(server)
        [[found]] = cursor.execute(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}".encode(), parameters
        ).fetchall()
        server.rollback()
    found = json.loads(found) if isinstance(found, str) else found
    nodes: list[dict[str, Any]] = []

    def walk(node: dict[str, Any]) -> None:
        nodes.append(node)
        for child in node.get("Plans", ()):
            walk(child)

    walk(found[0]["Plan"])
    return nodes


def scans(nodes: list[dict[str, Any]]) -> list[str]:
    """Return the tables that the plan reads whole."""
    return [
        node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan" and "Relation Name" in node
    ]


def read(nodes: list[dict[str, Any]]) -> int:
    """Return how many rows the plan read from tables, with those that a filter removed."""
    return sum(
        int((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
        for node in nodes
        if "Scan" in node["Node Type"] and node.get("Relation Name", "").startswith("receiver_")
    )
