"""The worker with leases that a test can wait for, and with the handlers of the module that HANDLERS names.

LEASE is another length of the leases in seconds.
"""

import importlib
import os
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()
# Before the worker is made, which then asks the handlers for ordering keys.
if "HANDLERS" in os.environ:
    importlib.import_module(os.environ["HANDLERS"])

import worker  # noqa: E402
from processing import isolation  # noqa: E402
from tests.chaos import times  # noqa: E402

isolation.GRACE = times.ISOLATION_GRACE
process = worker.process(lease=timedelta(seconds=float(os.environ.get("LEASE", times.LEASE))))
WorkerSettings = worker.settings_class(process)
# arq's heart beat, which writes to Redis.
WorkerSettings.health_check_interval = 1
