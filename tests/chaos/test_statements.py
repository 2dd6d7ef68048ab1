"""The worker's fixed statements on a large ledger: each reads a bounded number of rows."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from processing import claiming, ordering, settling, statements
from processing.ordering import Rule
from tests.chaos import ledger
from tests.chaos.counts import Counts

pytestmark = pytest.mark.only("postgresql")

CLAIM = 300
WORKER = "worker of the test"
INSERT = """
INSERT INTO receiver_delivery (
    guid, hook_id, source, secret_position, event, action, repository_id, repository, sender, headers,
    content_type, body, size, digest, redeliveries, attempts, claims, crashes, error, received_at,
    status, next_attempt_at, lease_expires_at, finished_at, worker, ordering_key
)
SELECT gen_random_uuid(), n, '', 0, 'push', '', {repository}, 'a/b', 'ada', '{{}}',
    'application/json', '\\x00', 7000, uuid_send(gen_random_uuid()), 0, 0, 1, 0, '',
    now() - interval '1 day' + n * interval '1 ms', {rest}
FROM generate_series(1, {count}) AS n
"""


@pytest.fixture(scope="module")
def large(migrated: str, counts: Counts) -> Iterator[str]:
    """Yield a ledger in which a tenth of the rows wait behind one delivery of an ordered repository."""
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
        " SELECT id, 'push.record', 1, 'delivery', 'succeeded', now(), 0, '', '', false"
        " FROM receiver_delivery WHERE status = 'succeeded'",
    )
    ledger.execute(url, "VACUUM (ANALYZE) receiver_delivery")
    ledger.execute(url, "VACUUM (ANALYZE) receiver_handlerrun")
    yield url
    ledger.drop(url)


def explained(url: str, name: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """Run a statement and roll it back; return the nodes of its plan."""
    with psycopg.connect(url) as server:
        cursor = psycopg.ClientCursor(server)
        text = f"EXPLAIN (ANALYZE, FORMAT JSON) {statements.text(name, 'postgresql')}"
        [[[found]]] = cursor.execute(text.encode(), parameters).fetchall()
        server.rollback()
    nodes: list[dict[str, Any]] = []

    def walk(node: dict[str, Any]) -> None:
        nodes.append(node)
        for child in node.get("Plans", ()):
            walk(child)

    walk(found["Plan"])
    return nodes


def read(nodes: list[dict[str, Any]]) -> int:
    """Return how many rows the plan read from tables, with those that a filter removed."""
    return sum(
        int((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
        for node in nodes
        if "Scan" in node["Node Type"] and node.get("Relation Name", "").startswith("receiver_")
    )


def named(url: str, status: str, limit: int, worker: str = "") -> list[tuple[Any, ...]]:
    return ledger.execute(
        url,
        "SELECT id, guid, claims, worker FROM receiver_delivery "
        f"WHERE status = '{status}' AND worker LIKE '{worker}%' LIMIT {limit}",
    )


def parameters(url: str) -> dict[str, dict[str, Any]]:
    """Return the parameters that a busy worker passes to each statement."""
    mine = named(url, "processing", CLAIM, WORKER)
    done = [pk for pk, *_ in named(url, "succeeded", CLAIM)]
    ended = [
        {"id": pk, "guid": str(guid), "claims": claims, "worker": worker, "status": "succeeded", "crashed": 0,
         "error": "", "wait": None}
        for pk, guid, claims, worker in mine
    ]  # fmt: skip
    runs = [
        {"id": pk, "claims": claims, "handler": "push.record", "attempt": 1, "trigger": "delivery",
         "outcome": "succeeded", "started_at": "2026-01-01T00:00Z", "duration": 0.1, "error": "",
         "traceback": ""}
        for pk, _, claims, _ in mine
    ]  # fmt: skip
    return {
        "claim": {
            "worker": WORKER, "lease": 30.0, "limit": CLAIM, "size": 10**8, "alone": False,
            "look": CLAIM + claiming.LOOK_BEYOND,
            "rules": ordering.as_json([Rule("push", None, by_number=False)]),
            "held": [pk for pk, *_ in mine], "recover": False, "takeover": True, "wait": 5.0, "only": None,
        },
        "settle": settling.parameters(ended, runs),
        "settle_siblings": {"ids": done, "limit": 1_000},
        "unblock": {"keys": ["1"]},
        "blocked_keys": {},
        "bodies": {"ids": [pk for pk, *_ in mine]},
        "done": {"ids": done},
    }  # fmt: skip


def test_every_statement_is_explained(large: str) -> None:
    files = {path.name.partition(".")[0] for path in statements.FOLDER.glob("*.postgresql.sql")}
    assert files == parameters(large).keys()


@pytest.mark.parametrize(
    "name", ["claim", "settle", "settle_siblings", "unblock", "blocked_keys", "bodies", "done"]
)
def test_a_statement_reads_no_more_than_it_needs_of_a_large_ledger(large: str, name: str) -> None:
    nodes = explained(large, name, parameters(large)[name])
    assert [node for node in nodes if node["Node Type"] == "Seq Scan" and "Relation Name" in node] == []
    assert read(nodes) <= 20 * (CLAIM + claiming.LOOK_BEYOND)


def test_a_claim_recovers_what_its_worker_lost_sight_of(large: str) -> None:
    given = parameters(large)["claim"] | {"recover": True, "held": []}
    assert read(explained(large, "claim", given)) <= 20 * (CLAIM + claiming.LOOK_BEYOND)
