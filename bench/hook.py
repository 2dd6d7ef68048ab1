"""Print the CPU seconds of the receiver's hook for metrics, for one delivery: `python -m bench.hook`."""

import asyncio
import time

import django

DELIVERIES = 10_000
REPETITIONS = 30


async def measure() -> float:
    """Return the CPU seconds of one call, of the repetition that the machine disturbed least."""
    from receiver.metering import Meter  # noqa: PLC0415 - it needs Django's apps
    from receiver.store import Receipt  # noqa: PLC0415 - as above

    meter, since = Meter(), asyncio.get_running_loop().time()
    # Nothing is written while it is measured: that is a statement every two seconds.
    meter._writing = asyncio.create_task(asyncio.sleep(0))
    found = []
    for _ in range(REPETITIONS):
        begun = time.process_time()
        for _ in range(DELIVERIES):
            meter.stored("push", Receipt.ACCEPTED, since)
        found.append((time.process_time() - begun) / DELIVERIES)
    return min(found)


if __name__ == "__main__":
    django.setup()
    print(asyncio.run(measure()))
