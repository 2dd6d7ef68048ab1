"""Store different pushes as the receiver stores them, and send wake-ups as it sends them."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from redis.asyncio import Redis

from receiver import queue
from receiver.frames import compress
from receiver.models import digest_of
from tests import github
from tests.chaos import ledger

REPOSITORY = 810200300
HOOK = 470100500
COMMITS = 3


def sha(*of: object) -> str:
    """Return a commit id."""
    return hashlib.sha1(repr(of).encode(), usedforsecurity=False).hexdigest()


def push(number: int, repository: int = REPOSITORY) -> bytes:
    """Return the body of a push to its own branch, with commits that no other push has."""
    payload = github.payload("push__branch")
    commits = [
        {**payload["commits"][0], "id": sha(repository, number, position)} for position in range(COMMITS)
    ]
    payload |= {
        "ref": f"refs/heads/{number}",
        "before": sha("before", repository, number),
        "after": commits[-1]["id"],
        "commits": commits,
        "head_commit": commits[-1],
        "repository": {**payload["repository"], "id": repository, "full_name": f"harbour-works/{repository}"},
    }
    return json.dumps(payload).encode()


@dataclass(frozen=True, slots=True)
class Push:
    """A push to store. `source` is the handler's script; each of `hooks` gets a row with the same guid."""

    number: int
    source: str = ""
    repository: int = REPOSITORY
    hooks: tuple[int, ...] = (HOOK,)


def store(url: str, pushes: Sequence[Push]) -> list[int]:
    """Commit deliveries in this order; return their ids."""
    now = datetime.now(UTC)
    arrivals = [(one, uuid4(), push(one.number, one.repository)) for one in pushes]
    return ledger.insert(
        url,
        "receiver_delivery",
        [
            {
                "guid": guid,
                "hook_id": hook,
                "source": one.source,
                "secret_position": 0,
                "event": "push",
                "action": "",
                "repository_id": one.repository,
                "repository": f"harbour-works/{one.repository}",
                "sender": "ada-quay",
                "headers": "{}",
                "content_type": "application/json",
                "body": compress(body),
                "size": len(body),
                "digest": digest_of(body),
                "redeliveries": 0,
                "status": "received",
                "attempts": 0,
                "claims": 0,
                "crashes": 0,
                "worker": "",
                "error": "",
                "received_at": now + timedelta(microseconds=place),
                "next_attempt_at": now + timedelta(microseconds=place),
            }
            for place, (one, guid, body, hook) in enumerate(
                (one, guid, body, hook) for one, guid, body in arrivals for hook in one.hooks
            )
        ],
    )


def multiply(url: str, pk: int, count: int) -> None:
    """Store `count` more deliveries like this one, each with its own guid."""
    if url.startswith("sqlite:"):
        found = "SELECT name FROM pragma_table_info('receiver_delivery')"
        guid = "lower(hex(randomblob(16)))"
        series = f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
        numbers = f"({series} SELECT i FROM n)"
    else:
        found = (
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name = 'receiver_delivery'"
        )
        guid, numbers = "gen_random_uuid()", f"generate_series(1, {count})"
    names = ", ".join(name for (name,) in ledger.execute(url, found) if name not in {"id", "guid"})
    ledger.execute(
        url,
        f"INSERT INTO receiver_delivery (guid, {names}) "
        f"SELECT {guid}, {names} FROM receiver_delivery, {numbers} AS numbers WHERE id = {pk}",
    )


async def wake(redis_url: str, jobs: int = 1) -> None:
    """Send `jobs` wake-ups, each of another event, because one of each waits at most."""
    async with Redis.from_url(redis_url) as redis:
        await queue.enqueue(redis, [f"event_{number}" for number in range(jobs)])
