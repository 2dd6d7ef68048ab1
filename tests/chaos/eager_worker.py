"""The short-lease worker, whose recoveries begin and wait for a part of their times.

ASK_INTERVAL and ARRIVES_WITHIN are in seconds.
"""

import os
from datetime import timedelta
from functools import partial

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()

from upstream import automatic, recovery  # noqa: E402

automatic.FIRST_AFTER = timedelta(seconds=0.5)
automatic.SECOND_AFTER = timedelta(seconds=2)
recovery.Pace = partial(  # type: ignore[misc,assignment] # the worker makes it with its defaults
    recovery.Pace,
    ask_interval=float(os.environ["ASK_INTERVAL"]),
    arrives_within=timedelta(seconds=float(os.environ["ARRIVES_WITHIN"])),
    arrivals_every=0.2,
    retry_after=0.5,
)

from tests.chaos.short_lease_worker import WorkerSettings  # noqa: E402

__all__ = ["WorkerSettings"]
