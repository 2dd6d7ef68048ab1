"""Hookkeeper's own worker without its listener: arq looks for jobs by itself, with its defaults."""

import worker
from worker import Context, WorkerSettings


async def on_startup(context: Context) -> None:
    """As ever, and then nobody listens."""
    await worker.on_startup(context)
    context["listener"].cancel()


WorkerSettings.on_startup = on_startup
WorkerSettings.poll_delay = 0.5
WorkerSettings.max_jobs = 10
WorkerSettings.queue_read_limit = 100

__all__ = ["WorkerSettings"]
