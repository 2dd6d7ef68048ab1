"""Workers whose clocks are an hour off, beside one whose clock is right."""

import asyncio
from contextlib import ExitStack
from pathlib import Path

from tests import processes
from tests.chaos import journal, law, ledger, stack, stored
from tests.chaos.redis_server import RedisServer
from tests.chaos.times import LATER, LONG

HERE = Path(__file__).parent
HOUR = 3600
CLOCKS = [0, HOUR, -HOUR]


async def test_workers_with_clocks_an_hour_off_retry_nothing_early_and_steal_no_lease(
    database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    journal.create(database)
    begun_by: dict[int, int] = {}
    with ExitStack() as running:
        for place, off in enumerate(CLOCKS):
            # A Redis of its own for each, so that its wake-ups are for it alone.
            redis_url = f"{redis_server.url}?db={place}"
            worker = running.enter_context(
                processes.worker(
                    tmp_path / f"{off}.log",
                    stack.HASTY_WORKER,
                    DATABASE_URL=database,
                    REDIS_URL=redis_url,
                    HANDLERS="tests.chaos.obedient",
                    PYTHONPATH=str(HERE / "clock"),
                    CLOCK_OFF=str(off),
                )
            )
            pushes = [stored.Push(place * 10, "long"), stored.Push(place * 10 + 1, "later")]
            ids = await asyncio.to_thread(stored.store, database, pushes, HOUR)
            await stored.wake(redis_url, ids)
            begun_by[place] = worker.pid
        assert await law.ended(database, within=LONG + 10) == {"succeeded": 2 * len(CLOCKS)}
    began = journal.entries(database, "began")
    for place, off in enumerate(CLOCKS):
        long = [entry for entry in began if entry.number == place * 10]
        assert [entry.process for entry in long] == [begun_by[place]], f"stolen from the clock {off} s off"
        first, second = [entry for entry in began if entry.number == place * 10 + 1]
        assert first.process == begun_by[place]
        # It is due by the clock of the database, and then found by any sweep.
        assert LATER <= second.at - first.at < LATER + 3
    assert ledger.execute(database, "SELECT DISTINCT claims, crashes FROM receiver_delivery ORDER BY 1") == [
        (1, 0),
        (2, 0),
    ]
