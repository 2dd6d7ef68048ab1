"""Takes wake-ups from Redis, and has the worker look for due deliveries and operations at once."""

from collections.abc import Callable

from processing.batch_runner import BatchRunner
from processing.resilient_redis import ResilientRedis
from receiver import queue

# Wake-ups that are taken from Redis at once. The others wake the other workers.
WAKEUPS = 10
# Seconds of one wait in Redis; less than the client gives it for an answer.
WAIT = 1.0


async def listen(runner: BatchRunner, redis: ResilientRedis, on_wake_up: Callable[[], object]) -> None:
    """Take wake-ups from Redis while there is capacity, until cancelled; other workers get them otherwise.

    A job is taken whatever it holds: it only says that something is due, a delivery or an operation.
    """
    while True:
        await runner.leases.free.wait()
        first = await redis.bzpopmin(queue.NAME, WAIT)
        if first is None:
            continue
        wakeups = [first[1:], *await redis.zpopmin(queue.NAME, WAKEUPS - 1)]
        runner.due.set()
        on_wake_up()
        await redis.delete(*(queue.JOB_KEY.encode() + name for name, _ in wakeups))
