"""The database of yesterday is restored beside the Redis of today."""

import signal
from contextlib import ExitStack
from pathlib import Path

import aiohttp
import pytest

from tests import github, processes
from tests.chaos import backup, invariants, journal, ledger, stack, stored
from tests.chaos.redis_server import RedisServer
from tests.chaos.sender import Sender

FEW = 5


def pushes(numbers: range) -> list[github.Request]:
    return [github.request("push", stored.push(number)) for number in numbers]


def began(database: str, *numbers: int) -> bool:
    return {entry.number for entry in journal.entries(database, "began")} >= set(numbers)


def settled(database: str, count: int) -> bool:
    return ledger.statuses(database)["succeeded"] == count


async def send(sender: Sender, requests: list[github.Request]) -> list[int]:
    return [(await sender.send(request)).status for request in requests]


@pytest.mark.full("sqlite")
async def test_a_backup_of_yesterday_beside_the_redis_of_today_is_processed_and_takes_what_is_sent_again(
    http: aiohttp.ClientSession, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    journal.create(database)
    let = tmp_path / "let"
    there = {
        "DATABASE_URL": database, "REDIS_URL": redis_server.url, "LET": str(let),
        "HANDLERS": "tests.chaos.scripted_handler", "HANDLER_TIMEOUT": "100",
        "PORT": str(processes.free_port()),
    }  # fmt: skip
    done, open_, lost = pushes(range(FEW)), pushes(range(10, 10 + FEW)), pushes(range(20, 20 + FEW))
    with ExitStack() as running:
        with stack.receiver(tmp_path / "receiver.log", **there) as receiver:
            sender = Sender(http, receiver.url)
            with processes.worker(tmp_path / "first.log", stack.SHORT_LEASE_WORKER, **there) as first:
                assert await send(sender, done) == [202] * FEW
                stored.store(database, [stored.Push(100, "waits")])
                await stored.wake(redis_server.url)
                processes.wait_until(lambda: settled(database, FEW) and began(database, 100), "one is held")
                processes.stop(first, signal.SIGKILL)
            # What is open in the backup: one under a lease, and some that no worker has seen.
            assert await send(sender, open_) == [202] * FEW
            file = backup.back_up(database, tmp_path)
            # Today. A worker holds the first of the ids that the restored database gives once more.
            old = running.enter_context(
                processes.worker(tmp_path / "old.log", stack.SHORT_LEASE_WORKER, **there)
            )
            [again] = stored.store(database, [stored.Push(101, "waits")])
            await stored.wake(redis_server.url)
            processes.wait_until(lambda: began(database, 101), "another one is held")
            assert await send(sender, lost) == [202] * FEW
            processes.wait_until(lambda: settled(database, 3 * FEW), "the others are settled")
        if database.startswith("sqlite:"):
            processes.stop(old, signal.SIGKILL)  # it would write on into a file that has no name
        backup.restore(database, file)
        await stored.wake(redis_server.url, 100)
        restored = ledger.rows(database)
        assert restored.keys() >= {request.guid for request in [*done, *open_]}
        assert not restored.keys() & {request.guid for request in lost}
        with stack.receiver(tmp_path / "receiver.log", **there) as receiver:
            sender = Sender(http, receiver.url)
            new = pushes(range(30, 30 + FEW))
            assert await send(sender, new) == [202] * FEW
            ids = "SELECT id FROM receiver_delivery ORDER BY id"
            assert ledger.execute(database, ids)[-FEW:] == [(again + more,) for more in range(FEW)]
            assert await send(sender, [*done, *lost]) == [200] * FEW + [202] * FEW
            running.enter_context(processes.worker(tmp_path / "new.log", stack.SHORT_LEASE_WORKER, **there))
            let.touch()
            assert await invariants.ended(database) == {"succeeded": 4 * FEW + 1}
    for name in ("first.log", "old.log", "new.log"):
        assert "Traceback" not in (tmp_path / name).read_text()
    runs = "SELECT delivery_id, handler FROM receiver_handlerrun WHERE outcome = 'succeeded' ORDER BY 1, 2"
    assert ledger.execute(database, runs) == [
        (pk, handler)
        for (pk,) in ledger.execute(database, ids)
        for handler in ("push.record", "scripted_handler.follow_script")
    ]
