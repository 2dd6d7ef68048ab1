"""Recovery at a fake GitHub, with limits, errors, killed workers, and a receiver that is away."""

import asyncio
import json
import random
import signal
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from receiver.frames import compress
from receiver.models import digest_of
from tests import fake_github, processes
from tests.chaos import ledger, stack
from tests.chaos.counts import Counts
from tests.chaos.redis_server import RedisServer
from tests.fake_github import Attempt, Github, Hook, hooks
from tests.upstream.kept import STAR

EAGER_WORKER = "tests.chaos.eager_worker.WorkerSettings"
# Every so many missed deliveries get lost at the first request.
UNRELIABLE = 5
MAX_ASKS = 3
LIVE_EVERY = 0.5  # seconds


def environment(fake: Github, database: str, redis_server: RedisServer, **more: str) -> dict[str, str]:
    return {
        "DATABASE_URL": database,
        "REDIS_URL": redis_server.url,
        "GITHUB_API_URL": fake.url,
        "GITHUB_TOKEN": fake_github.TOKEN,
        "ASK_INTERVAL": "0.05",
        "ARRIVES_WITHIN": "2",
        "LEASE": "2",
        "RECOVER_EVERY": "86400",
        **more,
    }


def store(database: str, hook: Hook, attempts: list[Attempt]) -> None:
    """Store these as settled deliveries."""
    ledger.insert(database, "receiver_delivery", [_row(hook, one) for one in attempts])


def _row(hook: Hook, attempt: Attempt) -> dict[str, Any]:
    headers = hook.request(attempt).headers
    return {
        "guid": UUID(attempt.guid), "hook_id": hook.id, "source": "", "secret_position": 0,
        "event": attempt.event, "action": "created", "repository_id": 1296269, "repository": "octo/cat",
        "sender": "ada", "content_type": "application/json", "body": compress(attempt.body),
        "headers": json.dumps({name: text for name, text in headers.items() if name.startswith("X-GitHub")}),
        "size": len(attempt.body), "digest": digest_of(attempt.body), "redeliveries": 0,
        "status": "succeeded", "attempts": 1, "claims": 1, "crashes": 0, "worker": "", "error": "",
        "received_at": attempt.delivered_at, "finished_at": attempt.delivered_at,
    }  # fmt: skip


def operation(database: str) -> tuple[str, int]:
    """Return the state of the first operation, and how many portions it did.

    Another one follows it, because it began too early to cover all that the receiver missed.
    """
    statement = "SELECT state, version FROM ledger_operation ORDER BY id LIMIT 1"
    [(state, version)] = ledger.execute(database, statement) or [("", 0)]
    return state, version


def ended(database: str) -> bool:
    return operation(database)[0] not in {"", "queued", "running"}


@pytest.mark.full
@pytest.mark.once
async def test_what_can_be_had_arrives_once_though_github_limits_and_fails_and_workers_are_killed(
    counts: Counts, fake: Github, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    there = environment(fake, database, redis_server, ASK_INTERVAL=str(counts.ask_interval))
    hook = fake.hook()
    step = timedelta(hours=69.5) / counts.listed
    hook.attempts = [
        Attempt(hooks.guid(number), "star", STAR, fake.moment() - (counts.listed - number) * step)
        for number in range(counts.listed)
    ]
    missed = {one.guid for one in random.sample(hook.attempts[1:], counts.missed)}
    store(database, hook, [one for one in hook.attempts if one.guid not in missed])
    for attempt in random.sample(hook.attempts, counts.listed // 3):
        attempt.status_code, attempt.status = 504, "timed out"
    never = set(sorted(missed)[: counts.never])
    unreliable = set(sorted(missed - never)[::UNRELIABLE])
    fake.faults.undelivered = lambda one, times: (
        one.guid in never or (one.guid in unreliable and times < counts.lost_asks)
    )
    fake.faults.late = lambda one: (one.id % 10) / 40
    fake.faults.bad_gateway, fake.faults.broken, fake.faults.slow = 0.04, 0.02, 0.02
    fake.limits.limit, fake.limits.window, fake.limits.secondary_every = 40, 0.5, 90
    with stack.receiver(tmp_path / "receiver.log", **there) as receiver:
        hook.url = f"{receiver.url}/webhooks/github"
        # Other deliveries show that the endpoint can be reached.
        living = asyncio.create_task(live(fake, hook, counts.listed))
        for _ in range(counts.recovery_kills):
            with processes.worker(tmp_path / "worker.log", EAGER_WORKER, **there) as worker:
                _, before = await asyncio.to_thread(operation, database)
                await until(lambda: ended(database) or operation(database)[1] > before + 1)  # noqa: B023
                await asyncio.sleep(random.uniform(0, counts.recovery_kill_within))
                worker.kill()
                assert await asyncio.to_thread(worker.wait) == -signal.SIGKILL
        with processes.worker(tmp_path / "worker.log", EAGER_WORKER, **there):
            await until(lambda: ended(database), counts.recovered_within)
        living.cancel()
        await asyncio.gather(living, return_exceptions=True)
    assert operation(database)[0] == "finished", (tmp_path / "worker.log").read_text()[-5000:]
    statement = "SELECT guid FROM upstream_missed WHERE state = 'asked' AND reason <> ''"
    # A request that GitHub did not answer is repeated after an hour.
    unanswered = {str(UUID(str(guid))) for (guid,) in ledger.execute(database, statement)}
    assert unanswered <= never | unreliable
    stored = ledger.rows(database)
    assert set(stored) == {one.guid for one in hook.attempts} - never - unanswered
    assert set(fake.asked) == missed, "none that is stored is asked for"
    assert {guid for guid, asks in fake.asked.items() if asks > MAX_ASKS} == set()
    # The last request is sent an hour later.
    assert {fake.asked[guid] for guid in never - unanswered} <= {MAX_ASKS - 1}
    assert fake.limits.violations == []
    found = ledger.execute(database, "SELECT state, count(*) FROM upstream_missed GROUP BY state ORDER BY 1")
    assert Counter(dict(found)) == Counter(
        arrived=counts.missed - len(never | unanswered), asked=len(never | unanswered)
    )
    times = [one.at for one in fake.seen if one.method == "POST"]
    assert all(
        third - first > 2 * counts.ask_interval for first, third in zip(times, times[2:], strict=False)
    )


@pytest.mark.once
async def test_a_receiver_that_was_away_under_load_gets_everything_by_itself(
    counts: Counts, fake: Github, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    there = environment(fake, database, redis_server, PORT=str(processes.free_port()))
    hook = fake.hook()
    numbers = iter(range(1_000_000))

    async def send(seconds: float) -> None:
        deadline = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < deadline:
            attempt = Attempt(hooks.guid(next(numbers)), "star", STAR, fake.moment())
            await asyncio.to_thread(fake.deliver, hook, attempt)
            await asyncio.sleep(counts.away_pause)

    with processes.worker(tmp_path / "worker.log", EAGER_WORKER, **there):
        with stack.receiver(tmp_path / "receiver.log", **there) as receiver:
            hook.url = f"{receiver.url}/webhooks/github"
            await send(0.3)
            receiver.process.kill()
            receiver.process.wait()
        await send(counts.away)
        with stack.receiver(tmp_path / "receiver.log", **there):
            await send(0.3)
            failed = {one.guid for one in hook.attempts if one.status_code != 202}
            assert failed
            await until(
                lambda: ledger.rows(database).keys() >= {one.guid for one in hook.attempts},
                counts.recovered_within,
            )
    assert set(fake.asked) == failed
    assert max(fake.asked.values()) <= MAX_ASKS


async def live(fake: Github, hook: Hook, first: int) -> None:
    """Deliver something new now and then, until cancelled."""
    for number in range(first, 1_000_000):
        attempt = Attempt(hooks.guid(number), "star", STAR, fake.moment())
        delivering = asyncio.create_task(asyncio.to_thread(fake.deliver, hook, attempt))
        await asyncio.shield(delivering)
        await asyncio.sleep(LIVE_EVERY)


async def until(true: Any, within: float = 60.0) -> None:
    """Wait until `true()`, without holding up the event loop."""
    await asyncio.to_thread(processes.wait_until, true, "the recovery ends", within)
