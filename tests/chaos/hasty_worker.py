"""The worker with leases that a test can wait for, and with the handlers of the module that HANDLERS names.

With MAX_JOBS arq runs only so many jobs at once; LEASE is another length of the leases.
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
WorkerSettings.max_jobs = int(os.environ.get("MAX_JOBS", WorkerSettings.max_jobs))
