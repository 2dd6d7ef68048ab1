"""The worker that runs an operation is killed in the middle of it, again and again."""

import asyncio
import json
import signal
import uuid
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests import processes
from tests.chaos import invariants, journal, ledger, stack, stored
from tests.chaos.counts import Counts
from tests.chaos.redis_server import RedisServer


def ask_for_replay(url: str, count: int, rate: float) -> None:
    """Queue the replay of all pushes, as console and commands do."""
    at = datetime.now(UTC)
    parameters = {"filter": {"event": "push"}, "after": 0, "newest": 2**62, "at": at.isoformat()}
    ledger.insert(
        url,
        "ledger_operation",
        [
            {
                "key": uuid.uuid4(), "kind": "replay", "parameters": json.dumps(parameters), "rate": rate,
                "requested_by": "ada", "state": "queued", "estimated": count, "done": 0, "failed": 0,
                "failures": "{}", "created_at": at, "error": "", "worker": "", "version": 0, "crashes": 0,
            }
        ],
    )  # fmt: skip


def progress(url: str) -> tuple[int, int, str]:
    """Return what is done, what failed, and the state."""
    [(done, failed, state)] = ledger.execute(url, "SELECT done, failed, state FROM ledger_operation")
    return done, failed, state


def holder(url: str) -> int:
    """Return the process that runs the operation, or 0."""
    rows = ledger.execute(url, "SELECT worker FROM ledger_operation WHERE state = 'running'")
    return int(rows[0][0].split(":")[1]) if rows else 0


@pytest.mark.once
async def test_a_replay_whose_workers_are_killed_continues_and_replays_each_delivery_once(
    counts: Counts, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    journal.create(database)
    stored.store(database, [stored.Push(number, "works") for number in range(counts.replayed)])
    dead = "UPDATE receiver_delivery SET status = 'dead', finished_at = received_at, next_attempt_at = NULL"
    ledger.execute(database, dead)
    there = {
        "DATABASE_URL": database, "REDIS_URL": redis_server.url, "HANDLERS": "tests.chaos.scripted_handler"
    }  # fmt: skip
    log = tmp_path / "worker.log"
    kills = counts.operation_kills
    with ExitStack() as running:
        workers = {
            one.pid: one
            for one in (
                running.enter_context(processes.worker(log, stack.SHORT_LEASE_WORKER, **there))
                for _ in range(2)
            )
        }
        # So slow that it cannot end before the last kill.
        ask_for_replay(database, counts.replayed, rate=counts.replayed / 3 / (kills + 1) / 10)
        done = 0
        for kill in range(1, kills + 1):
            holders: list[int] = []

            def got_on(before: int = done, holders: list[int] = holders) -> bool:
                holders.append(holder(database))
                return bool(progress(database)[0] > before and holders[-1] in workers)

            await asyncio.to_thread(processes.wait_until, got_on, f"more than {done} were replayed", 60)
            killed = workers.pop(holders[-1])
            killed.kill()
            assert killed.wait() == -signal.SIGKILL
            done, _, state = progress(database)
            assert (done < counts.replayed, state) == (True, "running")
            if kill < kills:  # else the one that is left continues
                another = running.enter_context(processes.worker(log, stack.SHORT_LEASE_WORKER, **there))
                workers[another.pid] = another
        ledger.execute(database, "UPDATE ledger_operation SET rate = 0")
        await asyncio.to_thread(
            processes.wait_until,
            lambda: progress(database) == (counts.replayed, 0, "finished"),
            "all were replayed",
            60,
        )
        assert await invariants.ended(database) == {"succeeded": counts.replayed}
    runs = "SELECT count(*), count(DISTINCT delivery_id) FROM receiver_handlerrun"
    assert ledger.execute(database, f"{runs} WHERE handler = 'push.record'") == [(counts.replayed,) * 2]
    assert journal.effects(database) == counts.replayed
    takers = "SELECT count(DISTINCT by) FROM ledger_change WHERE state = 'running'"
    assert ledger.execute(database, takers)[0][0] > kills
