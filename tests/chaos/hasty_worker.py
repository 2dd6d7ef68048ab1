"""The worker with leases that a test can wait for, and with the handlers of the module that HANDLERS names.

With ARQ_ALONE nobody listens, and arq looks for jobs all the time; LEASE is another length of the leases.
"""

import importlib
import os
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()
# Before the worker, which asks when it is made who takes turns.
if "HANDLERS" in os.environ:
    importlib.import_module(os.environ["HANDLERS"])

from django.conf import settings  # noqa: E402

import worker  # noqa: E402
from processing import quarantine  # noqa: E402
from tests.chaos import times  # noqa: E402

worker.processor.leases.length = timedelta(seconds=float(os.environ.get("LEASE", times.LEASE)))
quarantine.GRACE = times.QUARANTINE_GRACE

WorkerSettings = worker.WorkerSettings
# Of a short grace, long enough for arq's jobs.
worker.JOBS_SHARE = 0.5
WorkerSettings.job_completion_wait = settings.WORKER_GRACE * worker.JOBS_SHARE
# arq's heart beat, which writes to Redis.
WorkerSettings.health_check_interval = 1


async def arq_alone(context: worker.Context) -> None:
    """As ever, and then nobody listens."""
    await worker.on_startup(context)
    context["listener"].cancel()


if "ARQ_ALONE" in os.environ:
    WorkerSettings.on_startup = arq_alone
    WorkerSettings.poll_delay = 0.01
    # Jobs stay marked as in progress whose connection was cut when arq marked them.
    WorkerSettings.queue_read_limit = 1000
