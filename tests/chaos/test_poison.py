"""One harmful delivery beside many good ones: the good ones succeed on time.

A handler that fails does not delay the others. A handler that ends its worker delays them until another
worker takes over and runs them in isolation, one at a time.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import processes
from tests.chaos import invariants, journal, ledger, stack, stored
from tests.chaos.counts import Counts
from tests.chaos.redis_server import RedisServer
from tests.chaos.times import HANGS_FOR, ISOLATION_GRACE, LEASE, STARTED_WITHIN, TAKEN_OVER_WITHIN

# Seconds, of all handlers but the one that hangs: so long that they never take them where the machine stalls.
TIMEOUT = 20.0
# Seconds for a delivery on a slow machine: in a worker, and in isolation.
EACH = 0.01
EACH_APART = 0.04
# Seconds for the first delivery.
BEGIN = 15.0
# Source to attempts, crashes and error at the end.
ENDS = {
    "raises": (2, 0, "scripted_handler.follow_script: 2 attempts used up; OSError: it always does"),
    "hangs": (
        2,
        0,
        f"hanging.hang_if_told: 2 attempts used up; timed out after {HANGS_FOR:g} seconds",
    ),
    "leaks": (2, 0, "scripted_handler.follow_script: 2 attempts used up; CancelledError: "),
    "opens": (
        2,
        0,
        "scripted_handler.follow_script: 2 attempts used up; TransactionManagementError: rolled back",
    ),
    "refused": (2, 0, "push.record: 2 attempts used up; IntegrityError"),
    "kills": (1, 3, "ended its worker 3 times, at last with signal 9"),
    "blocks": (1, 3, "ended its worker 3 times, at last with a handler that blocked it"),
}


def refuse(database: str, ref: str) -> None:
    """Make the database refuse the push to this ref."""
    if database.startswith("sqlite:"):
        ledger.execute(
            database,
            "CREATE TRIGGER refused BEFORE INSERT ON records_push "
            f"WHEN NEW.ref = '{ref}' BEGIN SELECT RAISE(ABORT, 'refused'); END",
        )
    else:
        ledger.execute(database, f"ALTER TABLE records_push ADD CONSTRAINT refused CHECK (ref <> '{ref}')")


@asynccontextmanager
async def supervised(log: Path, **there: str) -> AsyncIterator[list[int]]:
    """Run a worker and restart it whenever it ends; yield its exit statuses so far."""
    ends: list[int] = []

    async def supervise() -> None:
        while True:
            with processes.worker(log, stack.SHORT_LEASE_WORKER, **there) as worker:
                while worker.poll() is None:
                    await asyncio.sleep(0.05)
                ends.append(worker.returncode)

    supervisor = asyncio.create_task(supervise())
    try:
        yield ends
    finally:
        supervisor.cancel()
        await asyncio.gather(supervisor, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class Case:
    """Harmful deliveries, and the time in seconds in which the good ones must succeed."""

    poisons: list[str]
    on_time: float
    each: float
    """Of the good ones, beyond `on_time`."""
    deaths: int
    """Of the worker."""


# Leases, after which a worker with a blocked event loop ends.
BLOCKED_LEASES = 2
TAKEN_OVER = BEGIN + STARTED_WITHIN + TAKEN_OVER_WITHIN
CASES = [
    pytest.param(
        Case(["raises", "hangs", "refused", "leaks", "opens"], BEGIN, EACH, deaths=0),
        marks=pytest.mark.full("sqlite"),
    ),
    # Nothing in these depends on the database.
    pytest.param(
        Case(["kills"], TAKEN_OVER, EACH_APART, deaths=1), marks=[pytest.mark.once, pytest.mark.full]
    ),
    pytest.param(
        Case(
            ["blocks"],
            BLOCKED_LEASES * LEASE + TAKEN_OVER + 2 * (TIMEOUT + ISOLATION_GRACE),
            EACH_APART,
            deaths=1,
        ),
        marks=[pytest.mark.once, pytest.mark.full],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(case.poisons))
async def test_a_poisoned_delivery_is_dead_and_the_good_ones_beside_it_succeed_on_time(
    case: Case, counts: Counts, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    journal.create(database)
    there = {
        "DATABASE_URL": database,
        "REDIS_URL": redis_server.url,
        "HANDLERS": "tests.chaos.hanging",
        "HANDLER_TIMEOUT": str(TIMEOUT),
    }
    if "blocks" in case.poisons:
        there["BLOCKED_LEASES"] = str(BLOCKED_LEASES)
    pushes = [stored.Push(number, "good") for number in range(counts.good)]
    for place, poison in enumerate(case.poisons):
        number = counts.good + place
        pushes.insert((place + 1) * counts.good // 5, stored.Push(number, poison))
        if poison == "refused":
            refuse(database, f"refs/heads/{number}")
    async with supervised(tmp_path / "worker.log", **there) as ends:
        await asyncio.to_thread(stored.store, database, pushes)
        await stored.wake(redis_server.url)
        woken = time.monotonic()
        within = case.on_time + counts.good * case.each + counts.slack
        while good(database) != Counter(succeeded=counts.good):
            assert time.monotonic() < woken + within, f"not within {within} s: {good(database)}"
            await asyncio.sleep(0.1)
        statuses = await invariants.ended(database)
    assert statuses == {"succeeded": counts.good, "dead": len(case.poisons)}
    assert len(ends) == case.deaths
    attempts = "SELECT DISTINCT attempts FROM receiver_delivery WHERE source = 'good'"
    assert ledger.execute(database, attempts) == [(1,)]
    for poison in case.poisons:
        [(tried, crashes, error)] = ledger.execute(
            database,
            f"SELECT attempts, crashes, error FROM receiver_delivery WHERE source = '{poison}'",
        )
        assert (tried, crashes) == ENDS[poison][:2]
        assert error.startswith(ENDS[poison][2])
    if "leaks" in case.poisons:
        tracebacks = ledger.execute(
            database,
            "SELECT count(*) FROM receiver_handlerrun AS run JOIN receiver_delivery AS delivery"
            " ON delivery.id = run.delivery_id WHERE source = 'leaks' AND traceback LIKE '%CancelledError%'",
        )
        assert tracebacks == [(2,)]


def good(database: str) -> Counter[str]:
    """Return how many good deliveries have each status."""
    return Counter(
        status
        for (status,) in ledger.execute(
            database, "SELECT status FROM receiver_delivery WHERE source = 'good'"
        )
    )
