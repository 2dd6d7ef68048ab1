"""Many deliveries arrive at once, and one delivery arrives many times."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from tests import github, processes
from tests.chaos import invariants, ledger, stack
from tests.chaos.counts import Counts
from tests.chaos.redis_server import RedisServer
from tests.chaos.sender import Sender


@pytest.mark.full
async def test_a_crowd_of_deliveries_is_accepted_in_time_kept_and_processed(
    counts: Counts, http: aiohttp.ClientSession, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    there = {"DATABASE_URL": database, "REDIS_URL": redis_server.url}
    crowd = [github.sample("push__branch") for _ in range(counts.deliveries)]
    with (
        stack.receiver(tmp_path / "receiver.log", **there) as receiver,
        processes.worker(tmp_path / "worker.log", **there),
    ):
        sender = Sender(http, receiver.url)
        await sender.crowd(crowd, counts.connections)
        assert sender.statuses() == {202: counts.deliveries}
        invariants.timely(sender)
        assert ledger.rows(database).keys() == {request.guid for request in crowd}
        assert await invariants.ended(database, within=300) == {"succeeded": counts.deliveries}


@pytest.mark.full("sqlite")
async def test_one_guid_sent_many_times_to_two_receivers_is_one_row_one_effect_and_one_202(
    counts: Counts, http: aiohttp.ClientSession, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    there = {"DATABASE_URL": database, "REDIS_URL": redis_server.url}
    request = github.sample("push__branch")
    half = [request] * (counts.repetitions // 2)
    with (
        stack.receiver(tmp_path / "first.log", **there) as first,
        stack.receiver(tmp_path / "second.log", **there) as second,
        processes.worker(tmp_path / "worker.log", **there),
    ):
        senders = Sender(http, first.url), Sender(http, second.url)
        await asyncio.gather(*(sender.crowd(half, counts.connections) for sender in senders))
        statuses = senders[0].statuses() + senders[1].statuses()
        assert statuses == {202: 1, 200: counts.repetitions - 1}
        assert await invariants.ended(database) == {"succeeded": 1}
    assert ledger.rows(database) == {request.guid: "succeeded"}
    assert ledger.execute(database, "SELECT redeliveries FROM receiver_delivery") == [
        (counts.repetitions - 1,)
    ]
    assert ledger.execute(database, "SELECT handler, outcome FROM receiver_handlerrun") == [
        ("push.record", "succeeded")
    ]
    assert ledger.execute(database, "SELECT count(*) FROM records_push") == [(1,)]
