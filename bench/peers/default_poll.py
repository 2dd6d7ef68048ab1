"""Hookkeeper's worker with its wake-ups left to arq, which looks for jobs with its default settings.

`BENCH_POLL` is another `poll_delay` in seconds. No consumer looks or listens by itself: each job that arq
runs wakes it.
"""

import asyncio
import os
from typing import Any

import worker

process = worker.process()

from processing import consumer  # noqa: E402 - after Django is set up

# The look without a wake-up is so rare that it does not count.
consumer.POLL = 3600.0


async def _deaf() -> None:
    await asyncio.Event().wait()


process.consumer.listen = _deaf  # type: ignore[method-assign]


async def process_event(_context: dict[Any, Any], _event: str) -> None:
    """Wake the consumer."""
    process.runner.on_due()


worker.process_event = process_event
WorkerSettings: Any = worker.settings_class(process)
WorkerSettings.poll_delay = float(os.environ.get("BENCH_POLL", "0.5"))
WorkerSettings.max_jobs = 10
WorkerSettings.keep_result = 0
