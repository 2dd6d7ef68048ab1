"""The worker's fixed statements on a large ledger: each reads a bounded number of rows."""

from typing import Any

import pytest

from processing import settling, statements
from tests.chaos import ledger
from tests.chaos.large import WORKER, explained, read, scans
from tests.processing.deliveries import PUSHES

pytestmark = pytest.mark.only("postgresql")

CLAIM = 300
# Due rows that a claim looks at beyond those that it may take.
BEYOND = 50


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
        (pk, str(guid), claims, worker, "succeeded", "", None)
        for pk, guid, claims, worker in mine
    ]  # fmt: skip
    runs = [
        (pk, claims, "2026-01-01T00:00Z", "push.record", 1, "delivery", "succeeded", 0.1, "", "")
        for pk, _, claims, _ in mine
    ]  # fmt: skip
    return {
        "claim": {
            "worker": WORKER, "lease": 30.0, "limit": CLAIM, "size": 10**8, "alone": False,
            "rules": PUSHES,
            "held": [pk for pk, *_ in mine], "recover": False, "takeover": True, "suspects": False,
            "only": None,
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
    nodes = explained(large, statements.text(name, "postgresql"), parameters(large)[name])
    assert scans(nodes) == []
    assert read(nodes) <= 20 * (CLAIM + BEYOND)


def test_an_isolating_process_reads_suspects_alone(large: str) -> None:
    given = parameters(large)["claim"] | {"suspects": True, "recover": True, "limit": 1}
    assert read(explained(large, statements.text("claim", "postgresql"), given)) <= 20 * BEYOND


def test_a_claim_recovers_what_its_worker_lost_sight_of(large: str) -> None:
    given = parameters(large)["claim"] | {"recover": True, "held": []}
    assert read(explained(large, statements.text("claim", "postgresql"), given)) <= 20 * (CLAIM + BEYOND)
