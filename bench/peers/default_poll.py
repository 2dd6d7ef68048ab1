"""Hookkeeper's worker with its wake-ups run by arq, which polls with its default settings.

`BENCH_POLL` sets another `poll_delay` in seconds. The worker neither polls nor listens: only jobs that arq
runs wake it.
"""

import asyncio
import os
from typing import Any

import worker

process = worker.process()

from processing import batch_runner, consumer  # noqa: E402 - after Django is set up

# The poll without a wake-up is too rare to matter.
batch_runner.POLL = 3600.0


async def _deaf(*_: object) -> None:
    await asyncio.Event().wait()


consumer.listen = _deaf  # type: ignore[assignment]


async def process_event(_context: dict[Any, Any], _event: str) -> None:
    """Have the worker claim."""
    process.runner.due.set()


worker.process_event = process_event
WorkerSettings: Any = worker.settings_class(process)
WorkerSettings.poll_delay = float(os.environ.get("BENCH_POLL", "0.5"))
WorkerSettings.max_jobs = 10
WorkerSettings.keep_result = 0
