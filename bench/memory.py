"""Measures the resident memory of an idle worker after each tenth of many deliveries."""

from collections.abc import Callable

from bench import cores, drains
from bench.servers import Servers
from bench.workers import Worker

PORTIONS = 10


def after_each_tenth(
    worker: Worker, deliveries: int, split: cores.Cores, servers: Servers, say: Callable[[str], None]
) -> tuple[list[tuple[int, int]], list[str]]:
    """Return resident bytes by the number of finished deliveries, and the errors."""
    found: list[tuple[int, int]] = []
    portion = drains.whole(deliveries / PORTIONS)
    servers.flush_redis()
    worker.backlog.clear()
    with drains.up(worker, split.contender, servers.folder) as process:
        for done in range(0, portion * PORTIONS, portion):
            worker.backlog.fill(done, portion)
            ended = drains.wait(worker, [process])
            if ended.left:
                return found, [f"{ended.left} deliveries were not done within {drains.ENDS_WITHIN:g} seconds"]
            found.append((done + portion, process.memory()))
            say(f"after {done + portion:,} deliveries {found[-1][1] / 1e6:.0f} MB are resident")
    return found, worker.backlog.wrong(portion * PORTIONS)
