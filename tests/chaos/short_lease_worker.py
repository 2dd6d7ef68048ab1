"""The worker with short leases, and with the handlers of the module that HANDLERS names.

LEASE overrides the length of a lease and END_WITHIN the time for giving back claims, in seconds;
BLOCKED_LEASES for how many leases its event loop may be blocked.
"""

import importlib
import os
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()
# The worker reads the ordering rules of all handlers when it starts.
if "HANDLERS" in os.environ:
    importlib.import_module(os.environ["HANDLERS"])

import worker  # noqa: E402
from processing import isolation, worker_process  # noqa: E402
from tests.chaos import times  # noqa: E402

isolation.GRACE = times.ISOLATION_GRACE
worker_process.END_WITHIN = float(os.environ.get("END_WITHIN", times.END_WITHIN))
worker_process.BLOCKED_LEASES = float(os.environ.get("BLOCKED_LEASES", times.BLOCKED_LEASES))
process = worker.process(lease=timedelta(seconds=float(os.environ.get("LEASE", times.LEASE))))
WorkerSettings = worker.settings_class(process)
# arq's heartbeat, which writes to Redis.
WorkerSettings.health_check_interval = 1
